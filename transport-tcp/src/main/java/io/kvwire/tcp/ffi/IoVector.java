package io.kvwire.tcp.ffi;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;

/**
 * An array of {@code struct iovec} ({@code sys/uio.h}): pieces of memory that one system call reads
 * from or writes to. Confined to one thread; allocates nothing after construction.
 */
public final class IoVector {
    /** {@code struct iovec { void *iov_base; size_t iov_len; }} of a 64-bit system. */
    static final StructLayout LAYOUT =
            MemoryLayout.structLayout(
                    ValueLayout.JAVA_LONG.withName("iov_base"),
                    ValueLayout.JAVA_LONG.withName("iov_len"));

    private static final long BYTES = LAYOUT.byteSize();
    private static final long BASE = LAYOUT.byteOffset(PathElement.groupElement("iov_base"));
    private static final long LENGTH = LAYOUT.byteOffset(PathElement.groupElement("iov_len"));

    /**
     * The pieces of a 1 MiB write of 4 KiB blocks: what the caches hold for sure until it is read.
     */
    private static final int MOST_FETCHED = 256;

    /** With fewer pieces, the processor's own fetching ahead is seldom interrupted. */
    private static final int LEAST_FETCHED = 8;

    private static final int LINE_BYTES = 64;

    /** Two lines in a row start the processor's own fetching of those behind them. */
    private static final int LINES = 2;

    @SuppressWarnings("restricted") // what an ffi package is for
    private static final MemorySegment EVERYTHING = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

    private final MemorySegment array;
    private final int capacity;
    private int head;
    private int end;
    private long bytesLeft;

    /** The sum of bytes that were only fetched. */
    @SuppressWarnings("UnusedVariable") // written, so that the reads behind it happen
    private int fetched;

    /**
     * Makes an array without pieces.
     *
     * @param capacity the most pieces, at most {@link VectorCalls#MAX_PIECES}
     */
    public IoVector(int capacity) {
        this.capacity = capacity;
        array = Arena.ofAuto().allocate(LAYOUT, capacity);
    }

    /** Removes all pieces. */
    public void clear() {
        head = 0;
        end = 0;
        bytesLeft = 0;
    }

    /** {@return how many pieces are left} */
    public int pieces() {
        return end - head;
    }

    /** {@return how many pieces were added since {@link #clear}, whether left or not} */
    public int added() {
        return end;
    }

    /** {@return how many pieces were taken off the front since {@link #clear}} */
    public int taken() {
        return head;
    }

    /**
     * {@return whether so many more pieces can be added before {@link #clear}}
     *
     * @param more pieces
     */
    public boolean fits(int more) {
        return more <= capacity - end;
    }

    /**
     * Adds a piece behind the others.
     *
     * @param address of its first byte
     * @param bytes at least 1
     */
    public void add(long address, long bytes) {
        if (end == capacity) {
            throw new IllegalStateException("more than " + capacity + " pieces");
        }
        long at = end++ * BYTES;
        array.set(ValueLayout.JAVA_LONG, at + BASE, address);
        array.set(ValueLayout.JAVA_LONG, at + LENGTH, bytes);
        bytesLeft += bytes;
    }

    /** {@return the address of the first byte that is left} */
    public long firstAddress() {
        return array.get(ValueLayout.JAVA_LONG, head * BYTES + BASE);
    }

    /** {@return the length of the first piece that is left, in bytes} */
    public long firstBytes() {
        return array.get(ValueLayout.JAVA_LONG, head * BYTES + LENGTH);
    }

    /**
     * Takes bytes off the front.
     *
     * @param bytes at most as many as the pieces have
     */
    public void skip(long bytes) {
        bytesLeft -= bytes;
        if (bytesLeft == 0) {
            head = end;
            return;
        }
        long left = bytes;
        while (left > 0) {
            long at = head * BYTES;
            long length = array.get(ValueLayout.JAVA_LONG, at + LENGTH);
            if (left < length) {
                array.set(
                        ValueLayout.JAVA_LONG,
                        at + BASE,
                        array.get(ValueLayout.JAVA_LONG, at + BASE) + left);
                array.set(ValueLayout.JAVA_LONG, at + LENGTH, length - left);
                return;
            }
            left -= length;
            head++;
        }
    }

    /**
     * Has the processor bring the beginnings of scattered pieces into its caches, all at the same
     * time. A copy that comes to a piece somewhere else in memory would wait for each of them: of
     * writing 4 KiB pieces of a large cache, that is about a sixth of the time.
     */
    void fetchAhead() {
        int last = Math.min(end, head + MOST_FETCHED);
        if (last - head < LEAST_FETCHED) {
            return;
        }
        int sum = 0;
        for (int i = head; i < last; i++) {
            long address = array.get(ValueLayout.JAVA_LONG, i * BYTES + BASE);
            long bytes =
                    Math.min(
                            array.get(ValueLayout.JAVA_LONG, i * BYTES + LENGTH),
                            (long) LINES * LINE_BYTES);
            for (long at = 0; at < bytes; at += LINE_BYTES) {
                sum += EVERYTHING.get(ValueLayout.JAVA_BYTE, address + at);
            }
        }
        fetched += sum;
    }

    /** {@return where the pieces that are left begin, for a system call} */
    long address() {
        return array.address() + head * BYTES;
    }
}
