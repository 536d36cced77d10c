package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What stands before every message of the control channel: magic (u32), version (u16), {@link Kind}
 * (u16), length (u32), little-endian.
 */
@SuppressWarnings("EnumOrdinal") // the kinds' order is part of the wire format
final class ControlFrame {
    /** The bytes before a message. */
    static final int HEADER_BYTES = 12;

    /** The version of the control channel. */
    static final int VERSION = 1;

    /** {@code KVWC} when read as ASCII. */
    static final int MAGIC = 0x4357_564b;

    /** The longest reason in a refusal, in bytes. */
    private static final int MAX_REASON_BYTES = 1024;

    /** What a frame carries. */
    enum Kind {
        /** A message of the node. */
        MESSAGE,
        /** Nothing: the first frame in each direction, which says that this side goes on. */
        PREFACE,
        /** Number of an error code (u16) and a reason: instead of a preface. */
        REFUSAL
    }

    private ControlFrame() {}

    static void putHeader(ByteBuffer to, Kind kind, int bytes) {
        to.putInt(MAGIC).putShort((short) VERSION).putShort((short) kind.ordinal()).putInt(bytes);
    }

    /** {@return the message of a refusal} */
    static ByteBuffer refusal(TransferException reason) {
        var text = StandardCharsets.UTF_8.encode(Failures.message(reason));
        text.limit(Math.min(text.limit(), MAX_REASON_BYTES));
        var message =
                ByteBuffer.allocate(2 + text.remaining()).order(java.nio.ByteOrder.LITTLE_ENDIAN);
        return message.putShort((short) reason.code().number()).put(text).flip();
    }

    /** {@return the reason in the message of a refusal} */
    static TransferException refused(String peer, ByteBuffer message) {
        if (message.remaining() < 2 || message.remaining() > 2 + MAX_REASON_BYTES) {
            return new TransferException(
                    ErrorCode.MALFORMED,
                    peer
                            + " refused the connection with "
                            + message.remaining()
                            + " bytes of reason");
        }
        var code = ErrorCode.of(Short.toUnsignedInt(message.getShort()));
        // Printable text only: it goes to logs.
        var text = StandardCharsets.UTF_8.decode(message).toString().replaceAll("\\p{Cntrl}", "?");
        return new TransferException(code, peer + " refused the connection: " + text);
    }

    /**
     * {@return the kind in a header}
     *
     * @throws TransferException with {@link ErrorCode#MALFORMED} or {@link
     *     ErrorCode#VERSION_MISMATCH}
     */
    static Kind kind(ByteBuffer buffer, int at) {
        int magic = buffer.getInt(at);
        if (magic != MAGIC) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "a control message starts with 0x%08x, not with 0x%08x%s"
                            .formatted(magic, MAGIC, guess(magic)));
        }
        int kind = Short.toUnsignedInt(buffer.getShort(at + 6));
        int version = Short.toUnsignedInt(buffer.getShort(at + 4));
        // A refusal can be read whatever its version: it says why.
        if (version != VERSION && kind != Kind.REFUSAL.ordinal()) {
            throw new TransferException(
                    ErrorCode.VERSION_MISMATCH,
                    "the other side speaks version "
                            + version
                            + " of the control channel, this node speaks "
                            + VERSION
                            + "; run the same release on both sides");
        }
        if (kind >= Kind.values().length) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "a control message is of kind " + kind + ", which there is not");
        }
        return Kind.values()[kind];
    }

    /**
     * {@return the length in a header}
     *
     * @throws TransferException with {@link ErrorCode#MALFORMED} when it is above the limit
     */
    static int length(ByteBuffer buffer, int at, int maxBytes) {
        long length = Integer.toUnsignedLong(buffer.getInt(at + 8));
        if (length > maxBytes) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "a control message announces "
                            + length
                            + " bytes: at most "
                            + maxBytes
                            + " (maxControlBytes)");
        }
        return (int) length;
    }

    private static String guess(int magic) {
        int first = magic & 0xff;
        int second = magic >>> 8 & 0xff;
        if ((first == 0x16 || first == 0x15) && second == 3) {
            return ": it is TLS; set up TLS on both sides or on none";
        }
        return ": the other side is no node of kvwire";
    }
}
