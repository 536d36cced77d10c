package io.kvwire.codec;

import java.lang.foreign.MemorySegment;

/**
 * What there is to know of a frame before all of it has come: what a reader of files or streams
 * needs, where frames lie one behind the other. Thread-safe.
 */
public final class KvFrames {
    /** The bytes of a header, with which every frame begins. */
    public static final int HEADER_BYTES = FrameHeader.BYTES;

    private KvFrames() {}

    /**
     * {@return the bytes of a frame, its header included}
     *
     * <p>They are what the frame claims, up to 2 GiB: compare them with {@link
     * io.kvwire.transport.spi.KvCodec#maxFrameBytes} of what is expected before making room.
     *
     * @param header begins with the header of a frame
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#MALFORMED}, {@link
     *     io.kvwire.transport.ErrorCode#VERSION_MISMATCH} or {@link
     *     io.kvwire.transport.ErrorCode#CORRUPT} when it is no header
     */
    public static long bytes(MemorySegment header) {
        var fields = new FrameHeader();
        fields.decodeAlone(header);
        return (long) FrameHeader.BYTES + fields.wireBytes;
    }
}
