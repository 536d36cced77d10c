package io.kvwire.rdma;

import java.nio.ByteBuffer;

/**
 * The messages of a lane, as docs/spec/wire-format.md fixes them: 24 bytes, then what belongs to
 * the type.
 */
final class LaneMessage {
    /** A frame: its header, then the payload (EAGER) or where it can be read (READ). */
    static final byte ANNOUNCE = 1;

    /** The frame may come: where to (WRITE), or in messages (COPY). */
    static final byte GRANT = 2;

    /** The frame is not wanted, its payload stays where it is. */
    static final byte DISCARD = 3;

    /** The payload was read. */
    static final byte FETCHED = 4;

    /** A piece of the payload. */
    static final byte DATA = 5;

    /** Nothing but credit. */
    static final byte CREDIT = 6;

    /** The granted frame will not come. */
    static final byte ABANDON = 7;

    /** The granted frame is written: in place of an immediate, where a device has none. */
    static final byte WRITTEN = 8;

    /** The receiver says where to, the sender writes, and signals by an immediate. */
    static final byte WRITE = 1;

    /** The sender says where, the receiver reads. */
    static final byte READ = 2;

    /** In messages, copied at both ends. */
    static final byte COPY = 3;

    /** In the announcement itself, copied at both ends. */
    static final byte EAGER = 4;

    /** What every message starts with. */
    static final int PREFIX_BYTES = 24;

    private static final int MODE_AT = 1;
    private static final int CREDITS_AT = 2;
    private static final int SLOT_AT = 4;
    private static final int OTHER_AT = 8;
    private static final int SIZE_AT = 12;
    private static final int PAYLOAD_AT = 16;

    private LaneMessage() {}

    /**
     * Writes the prefix of a message and moves behind it.
     *
     * @param credits that are given back
     * @param slot of whoever receives the message; of its sender in an announcement
     * @param other the granting side's own slot
     * @param size bytes of the header, or number of entries
     */
    static void begin(
            ByteBuffer out, byte type, byte mode, int credits, int slot, int other, int size) {
        out.put(0, type).put(MODE_AT, mode).putShort(CREDITS_AT, (short) credits);
        out.putInt(SLOT_AT, slot).putInt(OTHER_AT, other).putInt(SIZE_AT, size);
        out.putLong(PAYLOAD_AT, 0);
        out.position(PREFIX_BYTES);
    }

    static void payloadBytes(ByteBuffer out, long bytes) {
        out.putLong(PAYLOAD_AT, bytes);
    }

    static byte type(ByteBuffer in) {
        return in.get(0);
    }

    static byte mode(ByteBuffer in) {
        return in.get(MODE_AT);
    }

    static int credits(ByteBuffer in) {
        return Short.toUnsignedInt(in.getShort(CREDITS_AT));
    }

    static int slot(ByteBuffer in) {
        return in.getInt(SLOT_AT);
    }

    static int other(ByteBuffer in) {
        return in.getInt(OTHER_AT);
    }

    static int size(ByteBuffer in) {
        return in.getInt(SIZE_AT);
    }

    static long payloadBytes(ByteBuffer in) {
        return in.getLong(PAYLOAD_AT);
    }
}
