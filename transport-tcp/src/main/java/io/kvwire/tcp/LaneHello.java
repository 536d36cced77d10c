package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.LinkSetup;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The first bytes on a data lane: magic (u32), version (u16), lane (u16), token (16 bytes),
 * little-endian. The answer is magic (u32), version (u16), {@link Answer} (u16).
 *
 * @param lane from 0
 * @param token from the control channel
 */
@SuppressWarnings({
    "ArrayRecordComponent", // the token is compared in constant time by whoever knows it
    "EnumOrdinal" // the answers' order is part of the wire format
})
record LaneHello(int lane, byte[] token) {
    /** The bytes of a hello. */
    static final int BYTES = 8 + LinkSetup.TOKEN_BYTES;

    /** The bytes of an answer. */
    static final int ANSWER_BYTES = 8;

    /** The version of what travels on the lanes. */
    static final int VERSION = 1;

    /** {@code KVWL} when read as ASCII. */
    static final int MAGIC = 0x4c57_564b;

    /** What the accepting side says to a hello. */
    enum Answer {
        /** The lane is up. */
        WELCOME,
        /** Nobody waits for a lane with this token and number. */
        UNKNOWN_TOKEN,
        /** The lane has another version. */
        OTHER_VERSION,
        /** Too many lanes are in their handshake. */
        TOO_MANY
    }

    /** {@return the hello in bytes} */
    ByteBuffer encode() {
        return ByteBuffer.allocate(BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(MAGIC)
                .putShort((short) VERSION)
                .putShort((short) lane)
                .put(token)
                .flip();
    }

    /**
     * {@return the hello in a message}
     *
     * @param message of {@link #BYTES} bytes, little-endian
     * @throws TransferException with {@link ErrorCode#MALFORMED} or {@link
     *     ErrorCode#VERSION_MISMATCH}
     */
    static LaneHello decode(ByteBuffer message) {
        check(message, "a data lane");
        int lane = Short.toUnsignedInt(message.getShort());
        var token = new byte[LinkSetup.TOKEN_BYTES];
        message.get(token);
        return new LaneHello(lane, token);
    }

    /** {@return an answer in bytes} */
    static ByteBuffer encode(Answer answer) {
        return ByteBuffer.allocate(ANSWER_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putInt(MAGIC)
                .putShort((short) VERSION)
                .putShort((short) answer.ordinal())
                .flip();
    }

    /**
     * {@return the answer in a message}
     *
     * @param message of {@link #ANSWER_BYTES} bytes, little-endian
     * @throws TransferException with {@link ErrorCode#MALFORMED} or {@link
     *     ErrorCode#VERSION_MISMATCH}
     */
    static Answer decodeAnswer(ByteBuffer message) {
        check(message, "the answer to a data lane");
        int number = Short.toUnsignedInt(message.getShort());
        if (number >= Answer.values().length) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "the answer to a data lane is " + number + ", which means nothing");
        }
        return Answer.values()[number];
    }

    private static void check(ByteBuffer message, String what) {
        int magic = message.getInt();
        if (magic != MAGIC) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "%s starts with 0x%08x, not with 0x%08x: %s"
                            .formatted(
                                    what,
                                    magic,
                                    MAGIC,
                                    "the other side is no data lane of kvwire, or one "
                                            + "side uses TLS and the other does not"));
        }
        int version = Short.toUnsignedInt(message.getShort());
        if (version != VERSION) {
            throw new TransferException(
                    ErrorCode.VERSION_MISMATCH,
                    what + " has version " + version + ", this node has " + VERSION);
        }
    }
}
