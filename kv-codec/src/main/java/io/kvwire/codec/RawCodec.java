package io.kvwire.codec;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/**
 * Frames that hold the elements as they are, with a checksum: scheme 0 of docs/spec/kv-frame.md.
 * The baseline of every other codec, and the form of blocks in files.
 *
 * <p>Confined to one thread; owns no memory.
 */
public final class RawCodec implements KvCodec {
    private final FrameHeader header = new FrameHeader();
    private final CRC32C crc = new CRC32C();

    /** Makes a codec for one thread. */
    public RawCodec() {}

    @Override
    public String name() {
        return "raw";
    }

    @Override
    public long maxFrameBytes(Slab slab) {
        return FrameHeader.BYTES + slab.rawBytes();
    }

    /**
     * {@inheritDoc}
     *
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when the slab is empty or
     *     larger than a frame can be, the runs are not as long as the slab, or the frame has too
     *     little room
     */
    @Override
    public long encode(Slab slab, RunCursor source, MemorySegment frame) {
        long bytes = slab.rawBytes();
        if (bytes < 1
                || bytes > FrameHeader.MAX_RAW_BYTES
                || frame.byteSize() < maxFrameBytes(slab)) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "a slab of %d bytes does not go into a frame of %d"
                            .formatted(bytes, frame.byteSize()));
        }
        long at = FrameHeader.BYTES;
        long end = at + bytes;
        while (source.next()) {
            if (source.length() > end - at) {
                throw lengths(bytes);
            }
            MemorySegment.copy(source.segment(), source.offset(), frame, at, source.length());
            at += source.length();
        }
        if (at != end) {
            throw lengths(bytes);
        }
        header.describe(slab);
        header.wireCrc = checksum(frame, bytes);
        MemorySegment.copy(MemorySegment.ofBuffer(header.encode()), 0, frame, 0, FrameHeader.BYTES);
        return end;
    }

    private static TransferException lengths(long bytes) {
        return new TransferException(
                ErrorCode.OUT_OF_RANGE,
                "the runs are not as long as the slab, " + bytes + " bytes");
    }

    private int checksum(MemorySegment frame, long bytes) {
        crc.reset();
        crc.update(frame.asSlice(FrameHeader.BYTES, bytes).asByteBuffer());
        return (int) crc.getValue();
    }

    @Override
    public void decode(MemorySegment frame, Slab slab, RunCursor target) {
        FrameHeader.require(frame.byteSize() >= FrameHeader.BYTES, frame.byteSize() + " bytes");
        header.decode(frame.asSlice(0, FrameHeader.BYTES).asByteBuffer(), frame.byteSize());
        header.requireSame(slab);
        if (checksum(frame, header.rawBytes) != header.wireCrc) {
            throw new TransferException(
                    ErrorCode.CORRUPT, "KV frame refused: checksum of the payload");
        }
        long at = FrameHeader.BYTES;
        while (target.next()) {
            MemorySegment.copy(frame, at, target.segment(), target.offset(), target.length());
            at += target.length();
        }
    }
}
