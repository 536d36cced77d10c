package io.kvwire.tcp;

/**
 * Shares a rate among all data lanes of a node. Each batch reserves its time on one line: it starts
 * when the one before has taken as long as the rate allows. Thread-safe.
 */
final class RateLimit {
    /** What a lane that wakes late may catch up with: timers are good to about a millisecond. */
    private static final long LATE_NANOS = 10_000_000;

    /** What a lane that had nothing to send may send at once. */
    private static final long IDLE_NANOS = 1_000_000;

    private final long bytesPerSecond;
    private long nextNanos;
    private boolean used;

    RateLimit(long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    long bytesPerSecond() {
        return bytesPerSecond;
    }

    /**
     * {@return how much a lane should send at one time: what one millisecond allows, within bounds}
     */
    int quantumBytes(int mostBytes) {
        return (int)
                Math.max(Math.min(4096, mostBytes), Math.min(bytesPerSecond / 1000, mostBytes));
    }

    /**
     * Reserves the time that bytes take.
     *
     * @param bytes to send
     * @param afterPause whether the lane had nothing to send before
     * @param nowNanos the time, as of {@link System#nanoTime}
     * @return when to send them
     */
    synchronized long reserve(long bytes, boolean afterPause, long nowNanos) {
        long earliest = nowNanos - (afterPause ? IDLE_NANOS : LATE_NANOS);
        if (!used || nextNanos - earliest < 0) {
            nextNanos = used ? earliest : nowNanos;
            used = true;
        }
        long start = nextNanos;
        nextNanos += (long) (bytes * 1e9 / bytesPerSecond);
        return start;
    }
}
