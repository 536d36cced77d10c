package io.kvwire.codec;

import static java.util.Objects.requireNonNull;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;

/**
 * Frames that hold the elements as they are, with a checksum: scheme 0 of docs/spec/kv-frame.md.
 * The baseline of every other codec, and the form of blocks in files.
 *
 * <p>Owns no memory; keeps a view of the last frame that it saw. Allocation-free after
 * construction; confined to one thread.
 */
public final class RawCodec implements KvCodec {
    static final String NAME = "raw";

    private final KvModel model;
    private final FrameHeader header = new FrameHeader();
    private final FrameHeader expected = new FrameHeader();
    private final FrameChecksum checksum = new FrameChecksum();

    /**
     * Makes a codec for one thread.
     *
     * @param model what the values mean; goes into each frame, and what arrives must say the same
     */
    public RawCodec(KvModel model) {
        this.model = requireNonNull(model, "model");
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public long maxFrameBytes(Slab slab) {
        header.describe(slab, model);
        return (long) FrameHeader.BYTES + header.rawBytes;
    }

    @Override
    public long encode(Slab slab, RunCursor source, MemorySegment frame) {
        int end = Math.toIntExact(maxFrameBytes(slab));
        if (frame.byteSize() < end) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "room for " + frame.byteSize() + " bytes, the frame has " + end);
        }
        long at = FrameHeader.BYTES;
        while (source.next()) {
            requireRoom(source.length(), end - at, slab);
            MemorySegment.copy(source.segment(), source.offset(), frame, at, source.length());
            at += source.length();
        }
        if (at != end) {
            throw wrongLength(at - FrameHeader.BYTES, slab);
        }
        header.passThrough(checksum.of(frame, FrameHeader.BYTES, end));
        header.encode(frame);
        return end;
    }

    /** {@return the checksum of the payload of the frame encoded last} */
    int checksum() {
        return header.wireCrc;
    }

    @Override
    public void decode(MemorySegment frame, Slab slab, RunCursor target) {
        header.decode(frame);
        expected.describe(slab, model);
        header.requireSlabOf(expected);
        if (header.minorVersion() != 0) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "KV frame: not a raw one; agree on the same codec at both ends");
        }
        int end = FrameHeader.BYTES + header.wireBytes;
        if (checksum.of(frame, FrameHeader.BYTES, end) != header.wireCrc) {
            throw new TransferException(
                    ErrorCode.CORRUPT,
                    "KV frame: the checksum of the payload is wrong; send again");
        }
        long at = FrameHeader.BYTES;
        while (target.next()) {
            requireRoom(target.length(), end - at, slab);
            MemorySegment.copy(frame, at, target.segment(), target.offset(), target.length());
            at += target.length();
        }
        if (at != end) {
            throw wrongLength(at - FrameHeader.BYTES, slab);
        }
    }

    private static void requireRoom(long run, long left, Slab slab) {
        if (run > left) {
            throw wrongLength(slab.rawBytes() - left + run, slab);
        }
    }

    private static TransferException wrongLength(long bytes, Slab slab) {
        return new TransferException(
                ErrorCode.OUT_OF_RANGE,
                "runs of " + bytes + " bytes or more for a slab of " + slab.rawBytes());
    }
}
