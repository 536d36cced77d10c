package io.kvwire.pcie;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * How many lanes of a node may stay awake: each takes a core for good, so no more than a quarter of
 * the host's, and at least one. Two that share a core take turns of the scheduler, which is slower
 * than to sleep. Thread-safe.
 */
final class Wakefulness {
    private static final int CORES_PER_LANE = 4;

    private final AtomicInteger free;

    Wakefulness(int cores) {
        free = new AtomicInteger(Math.max(1, cores / CORES_PER_LANE));
    }

    /** {@return whether one more lane may stay awake, until it calls {@link #give}} */
    boolean take() {
        return free.get() > 0 && free.getAndUpdate(n -> Math.max(0, n - 1)) > 0;
    }

    /** Gives back what {@link #take} gave. */
    void give() {
        free.incrementAndGet();
    }
}
