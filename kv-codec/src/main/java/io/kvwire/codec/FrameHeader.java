package io.kvwire.codec;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The header of a KV frame, version 1.1, as docs/spec/kv-frame.md fixes it: offsets are those of
 * its table, rules are {@link FrameRules}. Mutable and reused, allocation-free after construction;
 * confined to one thread.
 */
final class FrameHeader {
    static final int BYTES = 128;
    static final int MAGIC = 0x4643564B; // "KVCF", little-endian
    static final int MAJOR = 1;
    static final int MINOR = 1;
    static final int MAX_RAW_BYTES = 1 << 30;
    static final int MAX_WIRE_BYTES = Integer.MAX_VALUE - BYTES;

    static final int FLAG_K = 1;
    static final int FLAG_V = 1 << 1;
    static final int FLAG_ROPE = 1 << 2;
    static final int FLAG_LAST = 1 << 3;
    static final int FLAG_PASSTHROUGH = 1 << 4;
    static final int FLAG_LOSSLESS = 1 << 5;
    static final int FLAG_UNSCALED_ROWS = 1 << 6;
    static final int KNOWN_FLAGS = (1 << 7) - 1;
    static final int SCHEME_RAW = 0;
    static final int SCHEME_SYMMETRIC = 1;
    static final int SCHEME_ASYMMETRIC = 2;
    static final int ROUND_TO_EVEN = 1;
    static final int LOSSLESS_LZ4 = 1;
    static final int PLANES_OF_BYTES = 1;

    private static final int FLAGS_OF_SLAB = FLAG_K | FLAG_V | FLAG_ROPE | FLAG_LAST;
    static final int MAX_U16 = (1 << 16) - 1;
    private static final int HEADER_CRC_AT = 124;

    int flags;
    DType sourceDtype = DType.FP32;
    DType codeDtype = DType.FP32;
    int scaleDtype;
    int scheme;
    int rounding;
    int losslessCodec;
    int planeTransform;
    RowCoding keys = RowCoding.TOKEN;
    RowCoding values = RowCoding.TOKEN;
    int outliers;
    KvOrder order = KvOrder.NHD;
    KvForm form = KvForm.SPLIT;
    int groupSize;
    int layer;
    int firstToken;
    int tokens;
    int tokensPerBlock;
    int firstHead;
    int heads;
    int keyDim;
    int valueDim;
    long transferId;
    long requestId;
    int generation;
    int chunk;
    int chunks;
    int rawBytes;
    long fingerprintHigh;
    long fingerprintLow;
    int wireBytes;
    int codeBytes;
    int scaleBytes;
    int auxiliaryBytes;
    int wireCrc;
    int decodedCrc;

    private final byte[] snapshot = new byte[BYTES];
    private final MemorySegment snapshotSegment = MemorySegment.ofArray(snapshot);
    private final ByteBuffer bytes = ByteBuffer.wrap(snapshot).order(ByteOrder.LITTLE_ENDIAN);
    private final CRC32C crc = new CRC32C();

    /**
     * Sets what a slab says of its frame, whatever the scheme.
     *
     * @throws TransferException with OUT_OF_RANGE when no frame can hold the slab
     */
    void describe(Slab slab, KvModel model) {
        var layout = slab.layout();
        boolean latent = layout.form() == KvForm.LATENT;
        atMost("raw bytes", slab.rawBytes(), MAX_RAW_BYTES);
        atMost("head dimension", layout.headDim(), MAX_U16);
        atMost("end of the heads", slab.firstHead() + slab.heads(), MAX_U16);
        boolean last = slab.id().chunk() == slab.id().chunks() - 1;
        flags =
                FLAG_K
                        | (latent ? 0 : FLAG_V)
                        | (model.ropeApplied() ? FLAG_ROPE : 0)
                        | (last ? FLAG_LAST : 0);
        sourceDtype = layout.dtype();
        order = layout.order();
        form = layout.form();
        layer = slab.layer();
        firstToken = slab.tokens().first();
        tokens = slab.tokens().count();
        tokensPerBlock = layout.tokensPerBlock();
        firstHead = slab.firstHead();
        heads = slab.heads();
        keyDim = layout.headDim();
        valueDim = latent ? 0 : layout.headDim();
        transferId = slab.id().transferId();
        requestId = slab.id().requestId();
        generation = slab.id().generation();
        chunk = slab.id().chunk();
        chunks = slab.id().chunks();
        rawBytes = (int) slab.rawBytes();
        fingerprintHigh = model.fingerprintHigh();
        fingerprintLow = model.fingerprintLow();
    }

    /** Sets what the raw scheme says: the codes are the bits of the source. */
    void passThrough(int checksum) {
        flags = (flags & FLAGS_OF_SLAB) | FLAG_PASSTHROUGH;
        codeDtype = sourceDtype;
        scaleDtype = 0;
        scheme = SCHEME_RAW;
        rounding = 0;
        losslessCodec = 0;
        planeTransform = 0;
        keys = RowCoding.TOKEN;
        values = RowCoding.TOKEN;
        outliers = 0;
        groupSize = 0;
        wireBytes = rawBytes;
        codeBytes = rawBytes;
        scaleBytes = 0;
        auxiliaryBytes = 0;
        wireCrc = checksum;
        decodedCrc = checksum;
    }

    /**
     * Sets what the int8 schemes say of a frame whose codes are not compressed and whose rows all
     * have a scale; the rest is known when the frame is written.
     *
     * @param asymmetric whether rows have offsets
     * @param halfScales whether scales are FP16
     */
    void quantise(boolean asymmetric, boolean halfScales, RowCoding ofKeys, RowCoding ofValues) {
        flags &= FLAGS_OF_SLAB;
        codeDtype = DType.INT8;
        scaleDtype = (halfScales ? DType.FP16 : DType.FP32).number();
        scheme = asymmetric ? SCHEME_ASYMMETRIC : SCHEME_SYMMETRIC;
        rounding = ROUND_TO_EVEN;
        losslessCodec = 0;
        planeTransform = 0;
        keys = ofKeys;
        values = form == KvForm.LATENT ? RowCoding.TOKEN : ofValues;
        groupSize = keyDim;
    }

    /** {@return the lowest minor version in which all that this frame uses is defined} */
    int minorVersion() {
        return scheme == SCHEME_RAW && losslessCodec == 0 ? 0 : 1;
    }

    /** {@return whether scales are FP16} */
    boolean halfScales() {
        return scaleDtype == DType.FP16.number();
    }

    /** Writes the header to the start of a frame. */
    void encode(MemorySegment frame) {
        FrameRules.check(this);
        bytes.putInt(0, MAGIC).put(4, (byte) MAJOR).put(5, (byte) minorVersion());
        bytes.putShort(6, (short) BYTES);
        bytes.putShort(8, (short) flags);
        bytes.put(10, (byte) sourceDtype.number()).put(11, (byte) codeDtype.number());
        bytes.put(12, (byte) scaleDtype).put(13, (byte) scheme).put(14, (byte) rounding);
        bytes.put(15, (byte) losslessCodec).put(16, (byte) planeTransform);
        bytes.put(17, (byte) (order.number() | (form.number() << 4)));
        bytes.put(18, (byte) keys.number()).put(19, (byte) values.number());
        bytes.putInt(20, groupSize).putInt(24, layer).putInt(28, firstToken).putInt(32, tokens);
        bytes.putInt(36, tokensPerBlock);
        bytes.putShort(40, (short) firstHead).putShort(42, (short) heads);
        bytes.putShort(44, (short) keyDim).putShort(46, (short) valueDim);
        bytes.putLong(48, transferId).putLong(56, requestId);
        bytes.putInt(64, generation).putInt(68, chunk).putInt(72, chunks).putInt(76, rawBytes);
        bytes.putLong(80, fingerprintHigh).putLong(88, fingerprintLow);
        bytes.putInt(96, wireBytes).putInt(100, codeBytes);
        bytes.putInt(104, scaleBytes).putInt(108, auxiliaryBytes);
        bytes.putShort(112, (short) outliers).putShort(114, (short) 0);
        bytes.putInt(116, wireCrc).putInt(120, decodedCrc).putInt(HEADER_CRC_AT, headerCrc());
        MemorySegment.copy(snapshotSegment, 0, frame, 0, BYTES);
    }

    /**
     * Reads the header of a frame and checks all of it; allocates nothing unless it refuses.
     *
     * @param frame exactly one frame
     * @throws TransferException with MALFORMED, VERSION_MISMATCH or CORRUPT
     */
    void decode(MemorySegment frame) {
        decodeAlone(frame);
        FrameRules.exactly("bytes of the frame", frame.byteSize(), (long) BYTES + wireBytes);
    }

    /**
     * Reads and checks a header whose frame need not be there yet.
     *
     * @param frame begins with one
     * @throws TransferException with MALFORMED, VERSION_MISMATCH or CORRUPT
     */
    void decodeAlone(MemorySegment frame) {
        if (frame.byteSize() < BYTES) {
            throw FrameRules.malformed(frame.byteSize() + " bytes, a header alone has " + BYTES);
        }
        // Once, so that what is checked is what is used, even if a peer still writes to the frame.
        MemorySegment.copy(frame, 0, snapshotSegment, 0, BYTES);
        checkVersion();
        if (bytes.getInt(HEADER_CRC_AT) != headerCrc()) {
            throw new TransferException(
                    ErrorCode.CORRUPT, "KV frame: the checksum of the header is wrong; send again");
        }
        readFields();
        FrameRules.exactly("reserved bytes", bytes.getShort(114), 0);
        FrameRules.check(this);
        FrameRules.exactly("minor version", bytes.get(5), minorVersion());
    }

    private void checkVersion() {
        FrameRules.exactly("magic", bytes.getInt(0), MAGIC);
        int major = bytes.get(4) & 0xFF;
        int minor = bytes.get(5) & 0xFF;
        if (major != MAJOR || minor > MINOR) {
            throw new TransferException(
                    ErrorCode.VERSION_MISMATCH,
                    "KV frame of version "
                            + major
                            + "."
                            + minor
                            + ", this side reads up to "
                            + MAJOR
                            + "."
                            + MINOR
                            + ": update it, or agree on another codec");
        }
        FrameRules.exactly("header bytes", Short.toUnsignedInt(bytes.getShort(6)), BYTES);
    }

    private void readFields() {
        flags = Short.toUnsignedInt(bytes.getShort(8));
        sourceDtype = DType.of(Byte.toUnsignedInt(bytes.get(10)));
        codeDtype = DType.of(Byte.toUnsignedInt(bytes.get(11)));
        scaleDtype = Byte.toUnsignedInt(bytes.get(12));
        scheme = Byte.toUnsignedInt(bytes.get(13));
        rounding = Byte.toUnsignedInt(bytes.get(14));
        losslessCodec = Byte.toUnsignedInt(bytes.get(15));
        planeTransform = Byte.toUnsignedInt(bytes.get(16));
        keys = RowCoding.of(bytes.get(18));
        values = RowCoding.of(bytes.get(19));
        outliers = Short.toUnsignedInt(bytes.getShort(112));
        order = KvOrder.of(bytes.get(17) & 0x0F);
        form = KvForm.of((bytes.get(17) >> 4) & 0x0F);
        groupSize = bytes.getInt(20);
        layer = bytes.getInt(24);
        firstToken = bytes.getInt(28);
        tokens = bytes.getInt(32);
        tokensPerBlock = bytes.getInt(36);
        firstHead = Short.toUnsignedInt(bytes.getShort(40));
        heads = Short.toUnsignedInt(bytes.getShort(42));
        keyDim = Short.toUnsignedInt(bytes.getShort(44));
        valueDim = Short.toUnsignedInt(bytes.getShort(46));
        transferId = bytes.getLong(48);
        requestId = bytes.getLong(56);
        generation = bytes.getInt(64);
        chunk = bytes.getInt(68);
        chunks = bytes.getInt(72);
        rawBytes = bytes.getInt(76);
        fingerprintHigh = bytes.getLong(80);
        fingerprintLow = bytes.getLong(88);
        wireBytes = bytes.getInt(96);
        codeBytes = bytes.getInt(100);
        scaleBytes = bytes.getInt(104);
        auxiliaryBytes = bytes.getInt(108);
        wireCrc = bytes.getInt(116);
        decodedCrc = bytes.getInt(120);
    }

    private int headerCrc() {
        crc.reset();
        crc.update(snapshot, 0, HEADER_CRC_AT);
        return (int) crc.getValue();
    }

    /**
     * Checks that this header, as decoded, says of its slab what another one says.
     *
     * @throws TransferException with MALFORMED, naming the field, or STALE for another generation
     */
    void requireSlabOf(FrameHeader expected) {
        expected("transfer", transferId, expected.transferId);
        expected("request", requestId, expected.requestId);
        if (generation != expected.generation) {
            throw new TransferException(
                    ErrorCode.STALE,
                    "KV frame: for generation "
                            + generation
                            + " of its blocks, which are now of "
                            + expected.generation);
        }
        expected("flags", flags & FLAGS_OF_SLAB, expected.flags & FLAGS_OF_SLAB);
        expected("source dtype", sourceDtype.number(), expected.sourceDtype.number());
        expected("order", order.number(), expected.order.number());
        expected("form", form.number(), expected.form.number());
        expected("layer", layer, expected.layer);
        expected("first token", firstToken, expected.firstToken);
        expected("tokens", tokens, expected.tokens);
        expected("tokens per block", tokensPerBlock, expected.tokensPerBlock);
        expected("first head", firstHead, expected.firstHead);
        expected("heads", heads, expected.heads);
        expected("key dim", keyDim, expected.keyDim);
        expected("chunk", chunk, expected.chunk);
        expected("chunks", chunks, expected.chunks);
        expected("model", fingerprintHigh, expected.fingerprintHigh);
        expected("model", fingerprintLow, expected.fingerprintLow);
    }

    private static void expected(String field, long value, long expected) {
        if (value != expected) {
            throw FrameRules.malformed(field + " is " + value + ", expected was " + expected);
        }
    }

    private static void atMost(String what, long value, long most) {
        if (value > most) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    what + " of the slab is " + value + ", a KV frame holds at most " + most);
        }
    }
}
