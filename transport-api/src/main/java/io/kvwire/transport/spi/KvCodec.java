package io.kvwire.transport.spi;

import java.lang.foreign.MemorySegment;

/** How blocks look on the wire. Allocation-free after construction; confined to one thread. */
public interface KvCodec {
    /**
     * {@return the name that the handshake agrees on: {@code raw}, {@code int8}, {@code int8+lz4}}
     */
    String name();

    /**
     * {@return the largest frame that {@link #encode} can produce, in bytes}
     *
     * @param slab what is encoded
     */
    long maxFrameBytes(Slab slab);

    /**
     * Encodes blocks into a self-describing frame.
     *
     * @param slab what the source runs hold
     * @param source runs in the order of the slab's layout
     * @param frame room for at least {@link #maxFrameBytes} bytes
     * @return the bytes of the frame
     */
    long encode(Slab slab, RunCursor source, MemorySegment frame);

    /**
     * Decodes a frame into blocks, after all of it was checked.
     *
     * @param frame exactly one frame
     * @param slab what is expected; the frame must say the same
     * @param target runs in the order of the slab's layout
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#MALFORMED} or {@link
     *     io.kvwire.transport.ErrorCode#CORRUPT}; nothing was written then
     */
    void decode(MemorySegment frame, Slab slab, RunCursor target);
}
