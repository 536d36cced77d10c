package io.kvwire.transport.spi;

/**
 * A data frame that is arriving: the wire fills the target runs in order. The target blocks stay
 * pinned until {@link #complete} or {@link #abort}, one of which is called exactly once. Confined
 * to the thread of its lane.
 *
 * <p>The runs are those of the target even when the transfer is withdrawn halfway: the wire asks
 * {@link #revoked} before each read, and from then on throws the rest of the payload away.
 */
public interface InboundFrame {
    /**
     * {@return the runs that the payload goes to; none for a refused frame, whose payload is thrown
     * away}
     */
    RunCursor target();

    /**
     * Asks to bring the payload into memory of a device without staging. Called before {@link
     * #target}, if at all.
     *
     * @param device that would carry out the copies
     * @return whether {@link #target} gives runs of that device's memory now; false when the
     *     payload goes elsewhere, as {@link #target} says
     */
    default boolean direct(DeviceMemory device) {
        return false;
    }

    /** {@return whether the rest of the payload must be thrown away} */
    boolean revoked();

    /**
     * The whole payload has arrived. Counts it as in place and visible, which may publish layers
     * and complete transfers, unless {@link #revoked} and so thrown away.
     *
     * @param copiedBytes how much of it went through a copy in user space
     * @param scatterNanos time spent on that copy
     */
    void complete(long copiedBytes, long scatterNanos);

    /** Ends a frame whose payload did not arrive whole, or was thrown away: nothing is counted. */
    void abort();
}
