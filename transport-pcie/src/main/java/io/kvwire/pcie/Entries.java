package io.kvwire.pcie;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/**
 * Where a payload lies: pieces of the sender's regions in the order of the bytes. Neighbours become
 * one piece, pieces of one length and distance one entry. Reused; confined to one thread.
 *
 * <p>An entry is 32 bytes: {@code u64} offset in the region, {@code u64} stride, {@code u32}
 * length, {@code u32} count, {@code u32} region, {@code u32} zero.
 */
final class Entries {
    /** The length of an entry. */
    static final int BYTES = 32;

    private static final int FIRST_CAPACITY = 16;

    private long[] offset = new long[FIRST_CAPACITY];
    private long[] stride = new long[FIRST_CAPACITY];
    private int[] length = new int[FIRST_CAPACITY];
    private int[] count = new int[FIRST_CAPACITY];
    private int[] region = new int[FIRST_CAPACITY];
    private int size;

    // Where the walk is.
    private int entry;
    private int piece;

    void clear() {
        size = 0;
        rewind();
    }

    int size() {
        return size;
    }

    /** {@return false when one more piece takes more than so many entries: it was not added} */
    boolean add(int of, long from, long bytes, int most) {
        int last = size - 1;
        if (last >= 0 && region[last] == of && extend(last, from, bytes)) {
            return true;
        }
        if (size >= most || bytes > Integer.MAX_VALUE) {
            return false;
        }
        grow(size + 1);
        offset[size] = from;
        stride[size] = 0;
        length[size] = (int) bytes;
        count[size] = 1;
        region[size] = of;
        size++;
        return true;
    }

    private boolean extend(int last, long from, long bytes) {
        if (count[last] == 1) {
            if (from == offset[last] + length[last] && length[last] + bytes <= Integer.MAX_VALUE) {
                length[last] += (int) bytes;
                return true;
            }
            if (bytes == length[last] && from > offset[last]) {
                stride[last] = from - offset[last];
                count[last] = 2;
                return true;
            }
            return false;
        }
        if (bytes == length[last] && from == offset[last] + count[last] * stride[last]) {
            count[last]++;
            return true;
        }
        return false;
    }

    private void grow(int needed) {
        if (needed > offset.length) {
            int capacity = Math.max(needed, 2 * offset.length);
            offset = Arrays.copyOf(offset, capacity);
            stride = Arrays.copyOf(stride, capacity);
            length = Arrays.copyOf(length, capacity);
            count = Arrays.copyOf(count, capacity);
            region = Arrays.copyOf(region, capacity);
        }
    }

    void encode(MemorySegment out, long to) {
        long at = to;
        for (int i = 0; i < size; i++, at += BYTES) {
            out.set(ValueLayout.JAVA_LONG, at, offset[i]);
            out.set(ValueLayout.JAVA_LONG, at + 8, stride[i]);
            out.set(ValueLayout.JAVA_INT, at + 16, length[i]);
            out.set(ValueLayout.JAVA_INT, at + 20, count[i]);
            out.set(ValueLayout.JAVA_INT, at + 24, region[i]);
            out.set(ValueLayout.JAVA_INT, at + 28, 0);
        }
    }

    /**
     * Reads entries.
     *
     * @param entries how many; they have been seen to lie in the message
     * @param bytes that the pieces must add up to
     */
    void decode(MemorySegment in, long from, int entries, long bytes) {
        clear();
        grow(entries);
        long left = bytes;
        long at = from;
        for (int i = 0; i < entries; i++, at += BYTES) {
            offset[i] = in.get(ValueLayout.JAVA_LONG, at);
            stride[i] = in.get(ValueLayout.JAVA_LONG, at + 8);
            length[i] = in.get(ValueLayout.JAVA_INT, at + 16);
            count[i] = in.get(ValueLayout.JAVA_INT, at + 20);
            region[i] = in.get(ValueLayout.JAVA_INT, at + 24);
            long whole = (long) length[i] * count[i];
            LaneMemory.require(
                    length[i] > 0 && count[i] > 0 && whole <= left,
                    "an entry of ",
                    whole,
                    " bytes, or of a negative length or count");
            left -= whole;
        }
        LaneMemory.require(left == 0, "entries that lack ", left, " bytes");
        size = entries;
    }

    void rewind() {
        entry = 0;
        piece = -1;
    }

    /** {@return whether there is one more piece, to which it moves} */
    boolean next() {
        if (entry < size && ++piece == count[entry]) {
            entry++;
            piece = 0;
        }
        return entry < size;
    }

    /**
     * {@return whether the piece is the first of its entry, so that its region is to be looked up}
     */
    boolean first() {
        return piece == 0;
    }

    /** {@return the region of the first piece; there is one} */
    int firstRegion() {
        return region[0];
    }

    int region() {
        return region[entry];
    }

    long offset() {
        return offset[entry] + piece * stride[entry];
    }

    int length() {
        return length[entry];
    }

    /** Fails unless all pieces of the entry lie within so many bytes. */
    void requireWithin(long bytes) {
        long from = offset[entry];
        long step = stride[entry];
        long room = bytes - length[entry];
        int steps = count[entry] - 1;
        LaneMemory.require(
                from >= 0
                        && from <= room
                        && step >= 0
                        && (steps == 0 || step <= (room - from) / steps),
                "an entry outside of its region of ",
                bytes,
                " bytes");
    }
}
