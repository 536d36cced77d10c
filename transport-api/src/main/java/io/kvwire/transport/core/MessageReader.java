package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Reads one control message; every length is checked before anything is allocated. */
final class MessageReader {
    private final ByteBuffer in;

    MessageReader(ByteBuffer message) {
        in = message.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    }

    static TransferException malformed(String what) {
        return new TransferException(ErrorCode.MALFORMED, "control message refused: " + what);
    }

    private void need(long bytes) {
        if (bytes > in.remaining()) {
            throw malformed("ends " + (bytes - in.remaining()) + " bytes early");
        }
    }

    int u8() {
        need(1);
        return Byte.toUnsignedInt(in.get());
    }

    int u32() {
        need(4);
        return in.getInt();
    }

    long u64() {
        need(8);
        return in.getLong();
    }

    /** A count of things that take at least so many bytes each. */
    int count(int most, int bytesEach) {
        int count = u32();
        if (count < 0 || count > most || (long) count * bytesEach > in.remaining()) {
            throw malformed("count " + count + " (at most " + most + ")");
        }
        return count;
    }

    byte[] bytes(int most) {
        int length = count(most, 1);
        byte[] value = new byte[length];
        in.get(value);
        return value;
    }

    String text(int most) {
        return new String(bytes(most), StandardCharsets.UTF_8);
    }

    <E extends Enum<E>> E choice(E[] values) {
        int ordinal = u8();
        if (ordinal >= values.length) {
            throw malformed(
                    "unknown " + values.getClass().componentType().getSimpleName() + " " + ordinal);
        }
        return values[ordinal];
    }

    /**
     * Requires that nothing is left. Called for each message once its fields are read, and before
     * anything is done about it: both ends speak the same version, so what is longer is wrong.
     */
    void end() {
        if (in.hasRemaining()) {
            throw malformed("bytes after its last field: " + in.remaining());
        }
    }
}
