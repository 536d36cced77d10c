package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The header of a data frame, version 1, as docs/spec/wire-format.md fixes it. Mutable and reused;
 * confined to one thread at a time. Behind the fixed part stand {@code entries} block references or
 * strided ranges, which this class leaves to its caller.
 */
final class FrameHeader {
    static final int MAGIC = 0x4657564B; // "KVWF", little-endian
    static final int VERSION = 1;
    static final int FIXED_BYTES = 96;
    static final int BLOCK_ENTRY_BYTES = 8;
    static final int RANGE_ENTRY_BYTES = 32;
    static final int MAX_RANGES = 256;
    static final int MAX_FRAMES = 1 << 20;

    /** Payload goes to blocks of the receiver's cache, listed in the header. */
    static final byte WRITE_BLOCKS = 1;

    /** Payload goes to ranges of the receiver's region, listed in the header. */
    static final byte WRITE_RANGES = 2;

    /** Payload goes to blocks that the receiver asked for. */
    static final byte READ_BLOCKS = 3;

    /** Payload goes to ranges that the receiver asked for. */
    static final byte READ_RANGES = 4;

    /** Payload measures the link and is thrown away when it is there. */
    static final byte PROBE = 5;

    static final byte FLAG_CHECKSUM = 1;
    static final byte FLAG_NOTIFIES = 2;

    /** The payload is a KV frame of the codec that was agreed on; it has checksums of its own. */
    static final byte FLAG_ENCODED = 4;

    private static final int HEADER_CRC_AT = 80;

    byte kind;
    byte flags;
    long transferId;
    long requestId;
    long expectedBytes;
    long position;
    int frameIndex;
    int objectId;
    int objectGeneration;
    int layer;
    int firstToken;
    int tokens;
    int firstHead;
    int heads;
    int entries;
    int payloadCrc;

    private final CRC32C crc = new CRC32C();

    boolean checksummed() {
        return (flags & FLAG_CHECKSUM) != 0;
    }

    boolean notifies() {
        return (flags & FLAG_NOTIFIES) != 0;
    }

    boolean encoded() {
        return (flags & FLAG_ENCODED) != 0;
    }

    boolean ofBlocks() {
        return kind == WRITE_BLOCKS || kind == READ_BLOCKS;
    }

    boolean ofProbe() {
        return kind == PROBE;
    }

    boolean ofRead() {
        return kind == READ_BLOCKS || kind == READ_RANGES;
    }

    /** Makes this the header of a frame that brings bytes, not tokens of a cache. */
    void withoutTokens() {
        layer = 0;
        firstToken = 0;
        tokens = 0;
        firstHead = 0;
        heads = 0;
    }

    /** Writes the fixed part at the start of a buffer whose entries are already there. */
    void encode(ByteBuffer out, int limit) {
        out.clear();
        out.limit(limit);
        out.putInt(0, MAGIC).putShort(4, (short) VERSION).put(6, kind).put(7, flags);
        out.putLong(8, transferId).putLong(16, requestId).putLong(24, expectedBytes);
        out.putLong(32, position).putInt(40, frameIndex).putInt(44, objectId);
        out.putInt(48, objectGeneration).putInt(52, layer).putInt(56, firstToken);
        out.putInt(60, tokens).putInt(64, firstHead).putInt(68, heads).putInt(72, entries);
        out.putInt(76, payloadCrc).putInt(HEADER_CRC_AT, 0).putInt(84, 0).putLong(88, 0);
        crc.reset();
        crc.update(out);
        out.putInt(HEADER_CRC_AT, (int) crc.getValue());
        out.position(0);
    }

    /**
     * Reads and checks the fixed part, and that the entries fill the rest.
     *
     * @throws TransferException with MALFORMED
     */
    void decode(ByteBuffer in) {
        var buffer = in.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        int at = buffer.position();
        int length = buffer.remaining();
        require(length >= FIXED_BYTES, "too short a header, bytes: ", length);
        require(buffer.getInt(at) == MAGIC, "no frame magic");
        int version = Short.toUnsignedInt(buffer.getShort(at + 4));
        require(version == VERSION, "frame version ", version);
        verifyCrc(buffer, at, length);
        kind = buffer.get(at + 6);
        flags = buffer.get(at + 7);
        transferId = buffer.getLong(at + 8);
        requestId = buffer.getLong(at + 16);
        expectedBytes = buffer.getLong(at + 24);
        position = buffer.getLong(at + 32);
        frameIndex = buffer.getInt(at + 40);
        objectId = buffer.getInt(at + 44);
        objectGeneration = buffer.getInt(at + 48);
        layer = buffer.getInt(at + 52);
        firstToken = buffer.getInt(at + 56);
        tokens = buffer.getInt(at + 60);
        firstHead = buffer.getInt(at + 64);
        heads = buffer.getInt(at + 68);
        entries = buffer.getInt(at + 72);
        payloadCrc = buffer.getInt(at + 76);
        require(kind >= WRITE_BLOCKS && kind <= PROBE, "frame kind ", kind);
        require(
                (flags & ~(FLAG_CHECKSUM | FLAG_NOTIFIES | FLAG_ENCODED)) == 0,
                "frame flags ",
                flags);
        require(
                !encoded() || (ofBlocks() && !checksummed() && tokens > 0),
                "flags that do not go with the frame's kind: ",
                flags);
        require(kind != PROBE || flags == 0, "flags of a probe: ", flags);
        require(buffer.getInt(at + 84) == 0 && buffer.getLong(at + 88) == 0, "reserved bytes");
        require(expectedBytes >= 0 && position >= 0, "negative length");
        require(frameIndex >= 0 && frameIndex < MAX_FRAMES, "frame index ", frameIndex);
        require(
                firstToken >= 0 && tokens >= 0 && firstToken <= Integer.MAX_VALUE - tokens,
                "token range");
        int entryBytes =
                kind == WRITE_BLOCKS
                        ? BLOCK_ENTRY_BYTES
                        : kind == WRITE_RANGES ? RANGE_ENTRY_BYTES : 0;
        require(
                entries >= 0 && (long) entries * entryBytes == length - FIXED_BYTES,
                "a header whose length does not fit its entries: ",
                entries);
    }

    private void verifyCrc(ByteBuffer buffer, int at, int length) {
        int expected = buffer.getInt(at + HEADER_CRC_AT);
        crc.reset();
        crc.update(buffer.slice(at, HEADER_CRC_AT));
        crc.update(0);
        crc.update(0);
        crc.update(0);
        crc.update(0);
        crc.update(buffer.slice(at + HEADER_CRC_AT + 4, length - HEADER_CRC_AT - 4));
        require((int) crc.getValue() == expected, "header checksum");
    }

    static void require(boolean holds, String what) {
        if (!holds) {
            throw new TransferException(ErrorCode.MALFORMED, "data frame refused: " + what);
        }
    }

    /** Puts its text together only when it is needed: this runs for every frame. */
    static void require(boolean holds, String what, long value) {
        if (!holds) {
            require(false, what + value);
        }
    }
}
