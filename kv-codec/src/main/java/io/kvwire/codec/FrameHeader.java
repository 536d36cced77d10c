package io.kvwire.codec;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.Slab;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The 128-byte header of a KV frame, version 1.0, as docs/spec/kv-frame.md fixes it. Mutable and
 * reused, allocation-free after construction; confined to one thread.
 */
final class FrameHeader {
    static final int BYTES = 128;
    static final int MAGIC = 0x4643564B; // "KVCF", little-endian
    static final int MAJOR = 1;
    static final int MINOR = 0;
    static final int SCHEME_RAW = 0;
    static final int FLAG_KEYS = 1;
    static final int FLAG_VALUES = 2;
    static final int FLAG_ROPE = 4;
    static final int FLAG_LAST = 8;
    static final int FLAG_PASSTHROUGH = 16;
    static final long MAX_RAW_BYTES = 1L << 30;

    private static final int CRC_AT = 124;
    private static final int KNOWN_FLAGS =
            FLAG_KEYS | FLAG_VALUES | FLAG_ROPE | FLAG_LAST | FLAG_PASSTHROUGH;
    private static final DType[] DTYPES = DType.values();
    private static final KvOrder[] ORDERS = KvOrder.values();
    private static final KvForm[] FORMS = KvForm.values();

    int flags;
    DType dtype = DType.FP32;
    KvOrder order = KvOrder.NHD;
    KvForm form = KvForm.SPLIT;
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
    long rawBytes;
    long modelHigh;
    long modelLow;
    int wireCrc;

    private final ByteBuffer bytes = ByteBuffer.allocate(BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final CRC32C crc = new CRC32C();

    /** Takes what a slab says; the rest of a raw frame follows from it. */
    void describe(Slab slab) {
        var layout = slab.layout();
        boolean latent = layout.form() == KvForm.LATENT;
        flags = FLAG_KEYS | (latent ? 0 : FLAG_VALUES) | FLAG_ROPE | FLAG_LAST | FLAG_PASSTHROUGH;
        dtype = layout.dtype();
        order = layout.order();
        form = layout.form();
        layer = slab.layer();
        firstToken = slab.firstToken();
        tokens = slab.tokens();
        tokensPerBlock = layout.tokensPerBlock();
        firstHead = slab.firstHead();
        heads = slab.heads();
        keyDim = layout.headDim();
        valueDim = latent ? 0 : layout.headDim();
        transferId = slab.transferId();
        requestId = slab.requestId();
        generation = 0;
        chunk = 0;
        chunks = 1;
        rawBytes = slab.rawBytes();
    }

    /** Gives the header's bytes, in a buffer that the next call overwrites. */
    @SuppressWarnings("EnumOrdinal") // the order of the values is part of the frame format
    ByteBuffer encode() {
        bytes.clear();
        bytes.putInt(0, MAGIC).put(4, (byte) MAJOR).put(5, (byte) MINOR);
        bytes.putShort(6, (short) BYTES).putShort(8, (short) flags);
        bytes.put(10, (byte) dtype.ordinal()).put(11, (byte) dtype.ordinal()).put(12, (byte) 0);
        bytes.put(13, (byte) SCHEME_RAW).put(14, (byte) 0).put(15, (byte) 0).put(16, (byte) 0);
        bytes.put(17, (byte) (order.ordinal() | form.ordinal() << 4)).putShort(18, (short) 0);
        bytes.putInt(20, 0).putInt(24, layer).putInt(28, firstToken).putInt(32, tokens);
        bytes.putInt(36, tokensPerBlock).putShort(40, (short) firstHead);
        bytes.putShort(42, (short) heads).putShort(44, (short) keyDim);
        bytes.putShort(46, (short) valueDim).putLong(48, transferId).putLong(56, requestId);
        bytes.putInt(64, generation).putInt(68, chunk).putInt(72, chunks);
        bytes.putInt(76, (int) rawBytes).putLong(80, modelHigh).putLong(88, modelLow);
        bytes.putInt(96, (int) rawBytes).putInt(100, (int) rawBytes).putInt(104, 0);
        bytes.putInt(108, 0).putInt(112, 0).putInt(116, wireCrc).putInt(120, wireCrc);
        bytes.putInt(CRC_AT, checksum());
        return bytes;
    }

    private int checksum() {
        crc.reset();
        crc.update(bytes.array(), 0, CRC_AT);
        return (int) crc.getValue();
    }

    /**
     * Reads and checks a header.
     *
     * @param in a frame of so many bytes; only its first 128 are read, once
     * @throws TransferException MALFORMED, VERSION_MISMATCH or CORRUPT, in the order of the
     *     specification
     */
    void decode(ByteBuffer in, long frameBytes) {
        require(in.remaining() >= BYTES, "it has " + in.remaining() + " bytes");
        bytes.clear();
        bytes.put(0, in, in.position(), BYTES);
        require(bytes.getInt(0) == MAGIC, "no frame magic");
        if (bytes.get(4) != MAJOR || bytes.get(5) != MINOR) {
            throw new TransferException(
                    ErrorCode.VERSION_MISMATCH,
                    "KV frame of version %d.%d, this codec reads %d.%d"
                            .formatted(bytes.get(4), bytes.get(5), MAJOR, MINOR));
        }
        require(bytes.getShort(6) == BYTES, "header length");
        if (bytes.getInt(CRC_AT) != checksum()) {
            throw new TransferException(ErrorCode.CORRUPT, "KV frame refused: header checksum");
        }
        readShape();
        readLengths(frameBytes);
    }

    private void readShape() {
        flags = Short.toUnsignedInt(bytes.getShort(8));
        require((flags & ~KNOWN_FLAGS) == 0, "flags " + flags);
        dtype = choice(DTYPES, bytes.get(10), "element type");
        require(bytes.get(11) == bytes.get(10), "a raw frame's codes are its elements");
        require(
                bytes.get(12) == 0
                        && bytes.get(13) == SCHEME_RAW
                        && bytes.get(14) == 0
                        && bytes.get(15) == 0
                        && bytes.get(16) == 0
                        && bytes.getInt(20) == 0,
                "scheme " + bytes.get(13) + " or its parameters");
        order = choice(ORDERS, bytes.get(17) & 15, "order");
        form = choice(FORMS, (bytes.get(17) & 0xFF) >>> 4, "form");
        require(bytes.getShort(18) == 0 && bytes.getInt(112) == 0, "reserved bytes");
        layer = bytes.getInt(24);
        firstToken = bytes.getInt(28);
        tokens = bytes.getInt(32);
        tokensPerBlock = bytes.getInt(36);
        firstHead = Short.toUnsignedInt(bytes.getShort(40));
        heads = Short.toUnsignedInt(bytes.getShort(42));
        keyDim = Short.toUnsignedInt(bytes.getShort(44));
        valueDim = Short.toUnsignedInt(bytes.getShort(46));
        require(layer >= 0 && layer < KvLayout.MAX_EXTENT, "layer " + layer);
        require(
                firstToken >= 0 && tokens >= 1 && firstToken <= Integer.MAX_VALUE - tokens,
                "token range");
        require(tokensPerBlock >= 1 && tokensPerBlock <= KvLayout.MAX_EXTENT, "tokens per block");
        require(heads >= 1 && firstHead + heads <= 0xFFFF, "head range");
        boolean latent = form == KvForm.LATENT;
        require(keyDim >= 1 && valueDim == (latent ? 0 : keyDim), "dims");
        require((flags & FLAG_KEYS) != 0, "a frame without K");
        require((flags & FLAG_VALUES) != 0 != latent, "V flag");
        require((flags & FLAG_PASSTHROUGH) != 0, "passthrough flag");
    }

    private void readLengths(long frameBytes) {
        transferId = bytes.getLong(48);
        requestId = bytes.getLong(56);
        generation = bytes.getInt(64);
        chunk = bytes.getInt(68);
        chunks = bytes.getInt(72);
        require(chunks >= 1 && chunk >= 0 && chunk < chunks, "chunk");
        require((flags & FLAG_LAST) != 0 == (chunk == chunks - 1), "last flag");
        rawBytes = Integer.toUnsignedLong(bytes.getInt(76));
        long values = (long) tokens * heads;
        long vector = (long) (keyDim + valueDim) * dtype.bytes();
        require(
                rawBytes <= MAX_RAW_BYTES
                        && values <= MAX_RAW_BYTES / vector
                        && rawBytes == values * vector,
                rawBytes + " raw bytes");
        modelHigh = bytes.getLong(80);
        modelLow = bytes.getLong(88);
        require(
                bytes.getInt(96) == (int) rawBytes
                        && bytes.getInt(100) == (int) rawBytes
                        && bytes.getInt(104) == 0
                        && bytes.getInt(108) == 0,
                "section lengths");
        require(frameBytes == BYTES + rawBytes, "it has " + frameBytes + " bytes");
        wireCrc = bytes.getInt(116);
        require(bytes.getInt(120) == wireCrc, "a raw frame has one checksum twice");
    }

    /** Refuses a frame that is not the one that is expected. */
    void requireSame(Slab slab) {
        var layout = slab.layout();
        require(
                transferId == slab.transferId() && requestId == slab.requestId(),
                "it is of transfer " + transferId + ", request " + requestId);
        require(
                layer == slab.layer()
                        && firstToken == slab.firstToken()
                        && tokens == slab.tokens()
                        && firstHead == slab.firstHead()
                        && heads == slab.heads(),
                "it holds other layers, tokens or heads than expected");
        require(
                dtype == layout.dtype()
                        && order == layout.order()
                        && form == layout.form()
                        && tokensPerBlock == layout.tokensPerBlock()
                        && keyDim == layout.headDim(),
                "it has another layout than " + layout.describe());
    }

    private static <E> E choice(E[] values, int number, String what) {
        require(number >= 0 && number < values.length, what + " " + number);
        return values[number];
    }

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new TransferException(ErrorCode.MALFORMED, "KV frame refused: " + what);
        }
    }
}
