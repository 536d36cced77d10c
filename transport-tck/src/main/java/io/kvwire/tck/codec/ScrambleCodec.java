package io.kvwire.tck.codec;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.zip.CRC32C;

/**
 * A lossless codec whose frames look like noise: a header of 96 bytes with all that the slab and
 * the model say, then the bytes of the blocks with a key stream over them. A frame is a little
 * longer than its blocks, so that bounds on encoded bytes are met from above. Confined to one
 * thread.
 *
 * <pre>
 *  0 u64 magic        32 u32 generation   48 u32 tokens      64 u64 model, high   88 u32 CRC32C
 *  8 u64 transfer     36 u32 chunk        52 u32 first head  72 u64 model, low       of all but
 * 16 u64 request      40 u32 layer        56 u32 heads       80 u32 RoPE             this field
 * 24 u64 raw bytes    44 u32 first token  60 u32 chunks      84 u32 zero          92 u32 zero
 * </pre>
 */
public final class ScrambleCodec implements KvCodec {
    /** The name that nodes agree on. */
    public static final String NAME = "scramble";

    private static final long MAGIC = 0x3143_5253_4B43_5456L;
    private static final int HEADER_BYTES = 96;
    private static final int CRC_AT = 88;
    private static final long KEY = 0x9E37_79B9_7F4A_7C15L;
    private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;

    private final KvModel model;
    private final CodecTap tap;
    private final CRC32C crc = new CRC32C();

    ScrambleCodec(KvModel model, CodecTap tap) {
        this.model = model;
        this.tap = tap;
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public long maxFrameBytes(Slab slab) {
        return HEADER_BYTES + slab.rawBytes();
    }

    @Override
    public long encode(Slab slab, RunCursor source, MemorySegment frame) {
        boolean tapped = ofTransfer(slab);
        if (tapped) {
            tap.encoding();
        }
        long bytes = maxFrameBytes(slab);
        if (frame.byteSize() < bytes) {
            throw refused(ErrorCode.OUT_OF_RANGE, "room for " + frame.byteSize() + " bytes");
        }
        long at = HEADER_BYTES;
        while (source.next()) {
            MemorySegment.copy(source.segment(), source.offset(), frame, at, source.length());
            at += source.length();
        }
        if (at != bytes) {
            throw refused(ErrorCode.OUT_OF_RANGE, "runs of " + at + " bytes");
        }
        mask(frame, HEADER_BYTES, bytes);
        describe(slab, frame);
        frame.set(INT, CRC_AT, checksum(frame, bytes));
        if (tapped) {
            tap.encoded(frame.asSlice(0, bytes));
        }
        return bytes;
    }

    /** Whether a slab is of a transfer, and not of a node that tries how fast its codec is. */
    private static boolean ofTransfer(Slab slab) {
        return slab.id().transferId() != 0;
    }

    private void describe(Slab slab, MemorySegment frame) {
        var id = slab.id();
        frame.set(LONG, 0, MAGIC);
        frame.set(LONG, 8, id.transferId());
        frame.set(LONG, 16, id.requestId());
        frame.set(LONG, 24, slab.rawBytes());
        frame.set(INT, 32, id.generation());
        frame.set(INT, 36, id.chunk());
        frame.set(INT, 40, slab.layer());
        frame.set(INT, 44, slab.tokens().first());
        frame.set(INT, 48, slab.tokens().count());
        frame.set(INT, 52, slab.firstHead());
        frame.set(INT, 56, slab.heads());
        frame.set(INT, 60, id.chunks());
        frame.set(LONG, 64, model.fingerprintHigh());
        frame.set(LONG, 72, model.fingerprintLow());
        frame.set(INT, 80, model.ropeApplied() ? 1 : 0);
        frame.set(INT, 84, 0);
        frame.set(INT, CRC_AT, 0);
        frame.set(INT, 92, 0);
    }

    @Override
    public void decode(MemorySegment frame, Slab slab, RunCursor target) {
        if (ofTransfer(slab)) {
            tap.decoding();
        }
        long bytes = maxFrameBytes(slab);
        if (frame.byteSize() != bytes || frame.get(LONG, 0) != MAGIC) {
            throw refused(ErrorCode.MALFORMED, "not a frame of " + bytes + " bytes");
        }
        int found = frame.get(INT, CRC_AT);
        if (found != checksum(frame, bytes)) {
            throw refused(ErrorCode.CORRUPT, "checksum");
        }
        var expected = MemorySegment.ofArray(new byte[HEADER_BYTES]);
        describe(slab, expected);
        expected.set(INT, CRC_AT, found);
        if (expected.mismatch(frame.asSlice(0, HEADER_BYTES)) >= 0) {
            throw refused(ErrorCode.MALFORMED, "a frame of other blocks than " + slab);
        }
        mask(frame, HEADER_BYTES, bytes);
        long at = HEADER_BYTES;
        boolean first = ofTransfer(slab);
        while (target.next()) {
            MemorySegment.copy(frame, at, target.segment(), target.offset(), target.length());
            at += target.length();
            if (first) {
                first = false;
                tap.placing();
            }
        }
    }

    private int checksum(MemorySegment frame, long bytes) {
        crc.reset();
        crc.update(frame.asSlice(0, CRC_AT).asByteBuffer());
        crc.update(frame.asSlice(CRC_AT + 4, bytes - CRC_AT - 4).asByteBuffer());
        return (int) crc.getValue();
    }

    private static void mask(MemorySegment frame, long from, long end) {
        long at = from;
        for (; at + 8 <= end; at += 8) {
            frame.set(LONG, at, frame.get(LONG, at) ^ (KEY * (at + 1)));
        }
        for (; at < end; at++) {
            byte masked = (byte) (frame.get(ValueLayout.JAVA_BYTE, at) ^ ((KEY * (at + 1)) >>> 56));
            frame.set(ValueLayout.JAVA_BYTE, at, masked);
        }
    }

    private static TransferException refused(ErrorCode code, String what) {
        return new TransferException(code, "scrambled frame refused: " + what);
    }
}
