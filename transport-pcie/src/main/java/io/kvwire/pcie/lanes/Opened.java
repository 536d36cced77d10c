package io.kvwire.pcie.lanes;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Consumer;

/**
 * What a lane has opened so far; closed in the opposite order, also where opening the rest fails.
 * Owns what it was given. Confined to one thread at a time.
 *
 * {@snippet :
 * try {
 *     stream = opened.add(context.stream(), Stream::close);
 *     buffer = opened.add(context.allocate(bytes), DeviceBuffer::close);
 * } catch (RuntimeException | Error e) {
 *     opened.close();
 *     throw e;
 * }
 * }
 */
public final class Opened implements AutoCloseable {
    private final Deque<Runnable> closers = new ArrayDeque<>();

    /** Nothing yet. */
    public Opened() {}

    /**
     * Takes something over.
     *
     * @param thing that was opened
     * @param closer closes it
     * @param <T> its type
     * @return the same
     */
    public <T> T add(T thing, Consumer<? super T> closer) {
        closers.push(() -> closer.accept(thing));
        return thing;
    }

    /** Closes everything; where that fails for some of it, also the rest. */
    @Override
    public void close() {
        if (closers.isEmpty()) {
            return;
        }
        try {
            closers.pop().run();
        } finally {
            close();
        }
    }
}
