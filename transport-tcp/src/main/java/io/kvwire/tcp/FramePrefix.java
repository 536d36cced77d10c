package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;

/**
 * What stands before every data frame: magic (u32), length of the header (u32) and of the payload
 * (u64), little-endian.
 */
final class FramePrefix {
    /** The bytes of a prefix. */
    static final int BYTES = 16;

    /** {@code KVWF} when read as ASCII. */
    static final int MAGIC = 0x4657_564b;

    /** The longest header: four times what the node makes of the most blocks in one frame. */
    static final int MAX_HEADER_BYTES = 64 << 10;

    private FramePrefix() {}

    static void put(ByteBuffer to, int headerBytes, long payloadBytes) {
        to.putInt(MAGIC).putInt(headerBytes).putLong(payloadBytes);
    }

    static int headerBytes(ByteBuffer prefix) {
        int magic = prefix.getInt(prefix.position());
        if (magic != MAGIC) {
            throw malformed(
                    "a data frame starts with 0x%08x, not with 0x%08x".formatted(magic, MAGIC));
        }
        int bytes = prefix.getInt(prefix.position() + 4);
        if (bytes < 0 || bytes > MAX_HEADER_BYTES) {
            throw malformed(
                    "a data frame announces a header of "
                            + Integer.toUnsignedString(bytes)
                            + " bytes: at most "
                            + MAX_HEADER_BYTES);
        }
        return bytes;
    }

    static long payloadBytes(ByteBuffer prefix) {
        long bytes = prefix.getLong(prefix.position() + 8);
        if (bytes < 0) {
            throw malformed(
                    "a data frame announces a payload of "
                            + Long.toUnsignedString(bytes)
                            + " bytes");
        }
        return bytes;
    }

    private static TransferException malformed(String what) {
        return new TransferException(ErrorCode.MALFORMED, what + "; the lane is closed");
    }
}
