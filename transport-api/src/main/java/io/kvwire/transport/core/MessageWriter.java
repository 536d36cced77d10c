package io.kvwire.transport.core;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Builds one control message, little-endian, in a buffer that grows. Not thread-safe. */
final class MessageWriter {
    private static final int USUAL_BYTES = 256;

    private ByteBuffer out;

    MessageWriter(int type) {
        this(type, USUAL_BYTES);
    }

    /** Starts a message whose length is known, so that no more is taken. */
    MessageWriter(int type, int bytes) {
        out = ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN).put((byte) type);
    }

    private void room(int bytes) {
        if (out.remaining() < bytes) {
            var larger =
                    ByteBuffer.allocate(Math.max(out.capacity() * 2, out.position() + bytes))
                            .order(ByteOrder.LITTLE_ENDIAN);
            out = larger.put(out.flip());
        }
    }

    MessageWriter u8(int value) {
        room(1);
        out.put((byte) value);
        return this;
    }

    /**
     * Writes a closed choice by its place among the values, which docs/spec/wire-format.md fixes.
     */
    @SuppressWarnings("EnumOrdinal")
    MessageWriter choice(Enum<?> value) {
        return u8(value.ordinal());
    }

    MessageWriter u32(int value) {
        room(4);
        out.putInt(value);
        return this;
    }

    MessageWriter u64(long value) {
        room(8);
        out.putLong(value);
        return this;
    }

    MessageWriter bytes(byte[] value) {
        room(4 + value.length);
        out.putInt(value.length).put(value);
        return this;
    }

    MessageWriter text(String value) {
        return bytes(value.getBytes(StandardCharsets.UTF_8));
    }

    int size() {
        return out.position();
    }

    ByteBuffer message() {
        return out.duplicate().order(ByteOrder.LITTLE_ENDIAN).flip();
    }
}
