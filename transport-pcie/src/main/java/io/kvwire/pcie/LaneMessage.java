package io.kvwire.pcie;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What stands in a ring: 24 bytes, then what belongs to the type, then zeros up to a multiple of 8.
 * docs/spec/wire-format.md fixes it.
 */
final class LaneMessage {
    /** A frame: its header, then the payload (INLINE) or where it lies (FETCH). */
    static final byte FRAME = 1;

    /** The next piece of the payload of the frame before (COPY). */
    static final byte DATA = 2;

    /** Nothing: the rest of the ring, too short for the next message. */
    static final byte PAD = 3;

    /** A message of the link, or its last piece. */
    static final byte WHOLE = 4;

    /** A piece of a message of the link that is not the last. */
    static final byte PIECE = 5;

    /** The payload is in the message. */
    static final byte INLINE = 1;

    /** The receiver fetches the payload from where it lies. */
    static final byte FETCH = 2;

    /** The payload follows in messages of its own. */
    static final byte COPY = 3;

    /** What every message starts with. */
    static final int PREFIX_BYTES = 24;

    /** Messages start at multiples of this. */
    static final int ALIGNMENT = 8;

    private static final long LENGTH = 0;
    private static final long TYPE = 4;
    private static final long MODE = 5;
    private static final long RESERVED = 6;
    private static final long HEADER = 8;
    private static final long ENTRIES = 12;
    private static final long PAYLOAD = 16;

    private LaneMessage() {}

    static int align(int bytes) {
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }

    /** Writes a prefix. */
    static void begin(MemorySegment out, long at, int length, byte type, byte mode) {
        out.set(ValueLayout.JAVA_INT, at + LENGTH, length);
        out.set(ValueLayout.JAVA_BYTE, at + TYPE, type);
        if (type != PAD) {
            out.set(ValueLayout.JAVA_BYTE, at + MODE, mode);
            out.set(ValueLayout.JAVA_SHORT, at + RESERVED, (short) 0);
        }
    }

    /** Completes the prefix of a message that is not a PAD. */
    static void sizes(MemorySegment out, long at, int header, int entries, long payload) {
        out.set(ValueLayout.JAVA_INT, at + HEADER, header);
        out.set(ValueLayout.JAVA_INT, at + ENTRIES, entries);
        out.set(ValueLayout.JAVA_LONG, at + PAYLOAD, payload);
    }

    static int length(MemorySegment in, long at) {
        return in.get(ValueLayout.JAVA_INT, at + LENGTH);
    }

    static byte type(MemorySegment in, long at) {
        return in.get(ValueLayout.JAVA_BYTE, at + TYPE);
    }

    static byte mode(MemorySegment in, long at) {
        return in.get(ValueLayout.JAVA_BYTE, at + MODE);
    }

    static int header(MemorySegment in, long at) {
        return in.get(ValueLayout.JAVA_INT, at + HEADER);
    }

    static int entries(MemorySegment in, long at) {
        return in.get(ValueLayout.JAVA_INT, at + ENTRIES);
    }

    static long payload(MemorySegment in, long at) {
        return in.get(ValueLayout.JAVA_LONG, at + PAYLOAD);
    }
}
