package io.kvwire.ffi.verbs;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A list of requests to receive, in memory outside the heap, posted at once.
 *
 * <p>Used like {@link SendRequests}; a receive without segments takes writes with an immediate.
 * Confined to one thread at a time.
 */
public final class ReceiveRequests {

    private static final long SIZE = IbvRecvWr.LAYOUT.byteSize();
    private static final int CACHE_LINE_BYTES = 64;
    private static final long SEGMENT_SIZE = IbvSge.LAYOUT.byteSize();

    private final MemorySegment memory;
    private final long first;
    private final long segments;
    private final long bad;
    private final int capacity;
    private final int segmentsEach;
    private int count;
    private int segmentCount;
    private int accepted;

    /** Address of the last request, and of its next segment. */
    private long last;

    private long nextSegment;

    private ReceiveRequests(Arena arena, int capacity, int segmentsEach) {
        long requestsBytes = capacity * SIZE;
        long segmentsBytes = segmentsEach * SEGMENT_SIZE;
        memory =
                arena.allocate(
                        requestsBytes + capacity * segmentsBytes + Long.BYTES, CACHE_LINE_BYTES);
        first = memory.address();
        segments = first + requestsBytes;
        bad = segments + capacity * segmentsBytes;
        this.capacity = capacity;
        this.segmentsEach = segmentsEach;
        for (long i = 0; i < capacity; i++) {
            long list = segmentsEach == 0 ? 0 : segments + i * segmentsBytes;
            Memory.putLong(first + i * SIZE + IbvRecvWr.SG_LIST, list);
        }
        clear();
    }

    /**
     * Makes room for requests.
     *
     * @param arena where their memory comes from; must outlive every post
     * @param capacity how many can be posted at a time
     * @param segmentsEach how many segments each can have; may be 0
     * @return an empty list
     */
    public static ReceiveRequests allocate(Arena arena, int capacity, int segmentsEach) {
        if (capacity < 1 || segmentsEach < 0) {
            throw new IllegalArgumentException(
                    capacity
                            + " requests of "
                            + segmentsEach
                            + " segments: use at least one request");
        }
        return new ReceiveRequests(arena, capacity, segmentsEach);
    }

    /** {@return how many requests there is room for} */
    public int capacity() {
        return capacity;
    }

    /** {@return how many requests are in the list} */
    public int count() {
        return count;
    }

    /** {@return how many requests the last post took} */
    public int accepted() {
        return accepted;
    }

    /** Empties the list. */
    public void clear() {
        count = 0;
        segmentCount = segmentsEach;
        last = first - SIZE;
    }

    /**
     * Adds a receive.
     *
     * @param id comes back in the completion
     */
    public void add(long id) {
        if (count == capacity) {
            throw new IllegalStateException("the list holds " + capacity + " requests already");
        }
        Memory.touch(memory);
        long at = last + SIZE;
        if (count != 0) {
            Memory.putLong(last + IbvRecvWr.NEXT, at);
        }
        Memory.putLong(at + IbvRecvWr.WR_ID, id);
        Memory.putLong(at + IbvRecvWr.NEXT, 0);
        Memory.putInt(at + IbvRecvWr.NUM_SGE, 0);
        nextSegment = segments + (long) count * segmentsEach * SEGMENT_SIZE;
        segmentCount = 0;
        last = at;
        count++;
    }

    /**
     * Adds a piece of local memory to the last request.
     *
     * @param address where it starts
     * @param bytes how long it is; unsigned
     * @param localKey key of its region
     */
    public void addSegment(long address, int bytes, int localKey) {
        if (segmentCount == segmentsEach) {
            throw new IllegalStateException(
                    count == 0
                            ? "a segment without a request: add that first"
                            : "the request has all " + segmentsEach + " segments already");
        }
        long at = nextSegment;
        Memory.putLong(at + IbvSge.ADDR, address);
        Memory.putInt(at + IbvSge.LENGTH, bytes);
        Memory.putInt(at + IbvSge.LKEY, localKey);
        nextSegment = at + SEGMENT_SIZE;
        segmentCount++;
        Memory.putInt(last + IbvRecvWr.NUM_SGE, segmentCount);
    }

    long address() {
        return first;
    }

    long badAddress() {
        return bad;
    }

    /** Notes what a post took. */
    int posted(int status) {
        accepted = status == 0 ? count : (int) ((Memory.getLong(bad) - first) / SIZE);
        return status;
    }
}
