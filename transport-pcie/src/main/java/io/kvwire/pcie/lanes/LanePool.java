package io.kvwire.pcie.lanes;

import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;

/**
 * Lanes of a device, such as a queue with its buffers: as many as there have been users at a time,
 * the one that was used last given out first. Owns those that are back; closed when all are.
 * Thread-safe; a lane is one user's at a time.
 *
 * @param <L> the lanes
 */
public final class LanePool<L> implements AutoCloseable {
    private final Supplier<? extends L> opener;
    private final Consumer<? super L> closer;
    private final ConcurrentLinkedDeque<L> idle = new ConcurrentLinkedDeque<>();

    /**
     * Makes a pool without lanes.
     *
     * @param opener opens a lane when all are taken
     * @param closer closes one
     */
    public LanePool(Supplier<? extends L> opener, Consumer<? super L> closer) {
        this.opener = opener;
        this.closer = closer;
    }

    /** {@return a lane, which the caller {@linkplain #give gives back} also after an error} */
    public L take() {
        var lane = idle.poll();
        return lane == null ? opener.get() : lane;
    }

    /**
     * Takes a lane back.
     *
     * @param lane of {@link #take}; nothing of its user's goes on there
     */
    public void give(L lane) {
        idle.push(lane);
    }

    /**
     * Works on a lane.
     *
     * @param work with a lane that is its own until it returns
     */
    public void use(Consumer<? super L> work) {
        var lane = take();
        try {
            work.accept(lane);
        } finally {
            give(lane);
        }
    }

    /**
     * Works on a lane, for a number.
     *
     * @param work as with {@link #use}
     * @return what it returned
     */
    public long count(ToLongFunction<? super L> work) {
        var lane = take();
        try {
            return work.applyAsLong(lane);
        } finally {
            give(lane);
        }
    }

    @Override
    public void close() {
        idle.forEach(closer);
        idle.clear();
    }
}
