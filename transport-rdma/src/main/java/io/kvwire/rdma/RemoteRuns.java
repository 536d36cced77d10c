package io.kvwire.rdma;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * A list of pieces of memory, in the order of the bytes on the wire, as strided entries: neighbours
 * become one piece, pieces of one length and distance one entry. Reused; confined to one thread.
 *
 * <p>Encoded, an entry is 32 bytes: {@code u64} address, {@code u64} stride, {@code u32} length,
 * {@code u32} count, {@code u32} key, {@code u32} zero.
 */
final class RemoteRuns {
    /** The length of an encoded entry. */
    static final int ENTRY_BYTES = 32;

    private static final int FIRST_CAPACITY = 16;
    private static final long MAX_LENGTH = Integer.MAX_VALUE;

    private long[] base = new long[FIRST_CAPACITY];
    private long[] stride = new long[FIRST_CAPACITY];
    private int[] length = new int[FIRST_CAPACITY];
    private int[] count = new int[FIRST_CAPACITY];
    private int[] key = new int[FIRST_CAPACITY];
    private int size;
    private int runs;

    // Where the walk is.
    private int entry;
    private int piece;

    void clear() {
        size = 0;
        runs = 0;
        entry = 0;
        piece = -1;
    }

    /** {@return the number of entries} */
    int size() {
        return size;
    }

    /** {@return the number of pieces, after neighbours were joined} */
    int runs() {
        return runs;
    }

    /**
     * Adds a piece.
     *
     * @return false when that takes more than so many entries: the piece was not added
     */
    boolean add(long address, long bytes, int memoryKey, int maxEntries) {
        int last = size - 1;
        if (last >= 0 && key[last] == memoryKey && extend(last, address, bytes)) {
            return true;
        }
        if (size == maxEntries || bytes > MAX_LENGTH) {
            return false;
        }
        set(size, address, 0, (int) bytes, 1, memoryKey);
        size++;
        runs++;
        return true;
    }

    private boolean extend(int last, long address, long bytes) {
        if (count[last] == 1) {
            if (address == base[last] + length[last] && length[last] + bytes <= MAX_LENGTH) {
                length[last] += (int) bytes;
                return true;
            }
            if (bytes == length[last] && address > base[last]) {
                stride[last] = address - base[last];
                count[last] = 2;
                runs++;
                return true;
            }
            return false;
        }
        if (bytes == length[last] && address == base[last] + count[last] * stride[last]) {
            count[last]++;
            runs++;
            return true;
        }
        return false;
    }

    private void set(int at, long address, long step, int bytes, int pieces, int memoryKey) {
        if (at == base.length) {
            base = Arrays.copyOf(base, 2 * at);
            stride = Arrays.copyOf(stride, 2 * at);
            length = Arrays.copyOf(length, 2 * at);
            count = Arrays.copyOf(count, 2 * at);
            key = Arrays.copyOf(key, 2 * at);
        }
        base[at] = address;
        stride[at] = step;
        length[at] = bytes;
        count[at] = pieces;
        key[at] = memoryKey;
    }

    /** Starts the walk anew. */
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

    long address() {
        return base[entry] + piece * stride[entry];
    }

    int length() {
        return length[entry];
    }

    int key() {
        return key[entry];
    }

    void encode(ByteBuffer out) {
        for (int i = 0; i < size; i++) {
            out.putLong(base[i]).putLong(stride[i]).putInt(length[i]).putInt(count[i]);
            out.putInt(key[i]).putInt(0);
        }
    }

    /**
     * Reads entries that a peer has sent.
     *
     * @param entries how many
     * @param expectedBytes what the pieces must add up to
     * @throws io.kvwire.transport.TransferException with {@code MALFORMED}
     */
    void decode(ByteBuffer in, int entries, long expectedBytes) {
        clear();
        LinkOffer.require(
                entries >= 0 && (long) entries * ENTRY_BYTES == in.remaining(),
                entries + " entries in " + in.remaining() + " bytes");
        long total = 0;
        for (int i = 0; i < entries; i++) {
            long address = in.getLong();
            long step = in.getLong();
            int bytes = in.getInt();
            int pieces = in.getInt();
            int memoryKey = in.getInt();
            LinkOffer.require(in.getInt() == 0, "reserved bytes of an entry");
            LinkOffer.require(
                    bytes > 0 && pieces > 0 && (long) bytes * pieces <= expectedBytes - total,
                    "entries that are longer than their payload");
            total += (long) bytes * pieces;
            set(size++, address, step, bytes, pieces, memoryKey);
            runs += pieces;
        }
        LinkOffer.require(total == expectedBytes, "entries that are shorter than their payload");
    }
}
