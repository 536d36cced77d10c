package io.kvwire.transport.spi;

import java.nio.ByteBuffer;
import java.util.Optional;

/**
 * A data frame to send: header bytes and the source runs of its payload. From {@link DataLink#send}
 * until {@link #released} the wire owns it and reads the source memory.
 */
public interface OutboundFrame {
    /**
     * {@return the header, between position and limit of a direct buffer that the wire may move}
     */
    ByteBuffer header();

    /** {@return the bytes of the payload} */
    long payloadBytes();

    /** {@return the runs of the payload, to be walked once, from the beginning} */
    RunCursor payload();

    /**
     * {@return the device whose memory the payload is, which the host cannot read; empty for memory
     * of the host}
     *
     * <p>Only on links that said that they {@linkplain DataLink#fetches fetch} such memory.
     */
    default Optional<DeviceMemory> device() {
        return Optional.empty();
    }

    /**
     * {@return whether the transfer still wants this frame; a wire may leave out one that is not
     * wanted as long as none of its bytes is on the wire}
     */
    boolean wanted();

    /**
     * {@return whether the receiver has asked for these bytes, which a wire with one-sided reads
     * may let it fetch}
     */
    default boolean answersRead() {
        return false;
    }

    /**
     * Says which lane carries the frame; called before any byte of it is given to the network.
     *
     * @param lane from 0, as in {@link LinkHandler#laneLost}
     */
    void sending(int lane);

    /**
     * Gives the frame back: the wire no longer touches the source memory, nor this object. Called
     * exactly once, from any thread.
     *
     * @param sent whether all of it was given to the network; false when the lane broke or the
     *     frame was left out
     */
    void released(boolean sent);
}
