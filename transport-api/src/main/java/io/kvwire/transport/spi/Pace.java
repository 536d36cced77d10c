package io.kvwire.transport.spi;

/**
 * Shares {@link io.kvwire.transport.NodeConfig#bytesPerSecond} among all lanes of a node, for wires
 * that hand over whole frames: a frame goes when its bytes are paid for. What a pause has saved up
 * is not given out afterwards. Thread-safe.
 */
public final class Pace {
    private static final double NANOS_PER_SECOND = 1e9;

    private final long bytesPerSecond;
    private long paidNanos;
    private boolean used;

    /**
     * Makes a pace.
     *
     * @param bytesPerSecond at least 1
     */
    public Pace(long bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    /** {@return the rate, in bytes a second} */
    public long bytesPerSecond() {
        return bytesPerSecond;
    }

    /**
     * Pays for a frame.
     *
     * @param bytes of the frame
     * @param nowNanos the time, as of {@link System#nanoTime}
     * @return when the frame may go, on the same clock
     */
    public synchronized long due(long bytes, long nowNanos) {
        if (!used || paidNanos - nowNanos < 0) {
            paidNanos = nowNanos;
            used = true;
        }
        paidNanos += (long) (bytes * NANOS_PER_SECOND / bytesPerSecond);
        return paidNanos;
    }
}
