package io.kvwire.transport.spi;

import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * How blocks look on the wire: {@code docs/spec/kv-frame.md}. Found by name through {@link
 * KvCodecProvider}.
 *
 * <p>Runs are in the order of the slab's layout, as {@link io.kvwire.transport.BlockRuns} walks
 * them, and make up exactly {@link Slab#rawBytes()}. A codec owns neither the runs nor the frame,
 * and keeps nothing of either. Allocation-free after construction; confined to one thread.
 */
public interface KvCodec {
    /**
     * {@return the name that the handshake agrees on: {@code raw}, {@code int8}, {@code int8+lz4}}
     */
    String name();

    /**
     * {@return the largest frame that {@link #encode} can produce, in bytes}
     *
     * @param slab what is encoded
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#OUT_OF_RANGE} when no frame can hold the slab
     */
    long maxFrameBytes(Slab slab);

    /**
     * Encodes blocks into a self-describing frame.
     *
     * @param slab what the source runs hold
     * @param source runs of {@link Slab#rawBytes()} bytes, walked to their end
     * @param frame room for at least {@link #maxFrameBytes} bytes
     * @return the bytes of the frame
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#OUT_OF_RANGE} when the frame has too little room, or the
     *     runs are not as long as the slab
     */
    long encode(Slab slab, RunCursor source, MemorySegment frame);

    /**
     * Decodes a frame into blocks, after all of it was checked.
     *
     * @param frame exactly one frame
     * @param slab what is expected; the frame must say the same
     * @param target runs of {@link Slab#rawBytes()} bytes
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#MALFORMED}, {@link
     *     io.kvwire.transport.ErrorCode#VERSION_MISMATCH}, {@link
     *     io.kvwire.transport.ErrorCode#CORRUPT} or {@link io.kvwire.transport.ErrorCode#STALE}:
     *     nothing was written then; with {@link io.kvwire.transport.ErrorCode#OUT_OF_RANGE} when
     *     the runs are not as long as the slab, which is a mistake of the caller and not of the
     *     frame
     */
    void decode(MemorySegment frame, Slab slab, RunCursor target);

    /** {@return frames around codes that a device has made; empty for a codec that has none} */
    default Optional<CodedFrames> codedFrames() {
        return Optional.empty();
    }

    /**
     * {@return whether slabs like those seen so far are coded as fast as they ever will be}
     *
     * <p>A codec may begin with slower code, which gives the same bytes, while faster code is being
     * compiled. Rates that were measured before are not the codec's.
     */
    default boolean settled() {
        return true;
    }
}
