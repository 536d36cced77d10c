package io.kvwire.pcie;

/**
 * Shares a rate among all lanes of a node: a frame goes when its bytes are paid for. Thread-safe.
 */
final class Pace {
    private final long bytesPerSecond;
    private long paidNanos;
    private boolean used;

    Pace(long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    long bytesPerSecond() {
        return bytesPerSecond;
    }

    /** {@return when a frame may go, as of {@link System#nanoTime}} */
    synchronized long due(long bytes, long nowNanos) {
        if (!used || paidNanos - nowNanos < 0) {
            paidNanos = nowNanos;
            used = true;
        }
        paidNanos += (long) (bytes * 1e9 / bytesPerSecond);
        return paidNanos;
    }
}
