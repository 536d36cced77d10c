package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

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
    private static final long SEGMENT_SIZE = IbvSge.LAYOUT.byteSize();

    private final MemorySegment requests;
    private final MemorySegment segments;
    private final MemorySegment bad;
    private final int capacity;
    private final int segmentsEach;
    private int count;
    private int segmentCount;
    private int accepted;

    private ReceiveRequests(Arena arena, int capacity, int segmentsEach) {
        requests = arena.allocate(IbvRecvWr.LAYOUT, capacity);
        segments = arena.allocate(IbvSge.LAYOUT, (long) capacity * segmentsEach);
        bad = arena.allocate(JAVA_LONG);
        this.capacity = capacity;
        this.segmentsEach = segmentsEach;
        long segmentsBytes = segmentsEach * SEGMENT_SIZE;
        for (long i = 0; i < capacity; i++) {
            long list = segments.address() + i * segmentsBytes;
            requests.set(JAVA_LONG, i * SIZE + IbvRecvWr.SG_LIST, segmentsEach == 0 ? 0 : list);
        }
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
        segmentCount = 0;
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
        count++;
        segmentCount = 0;
        long at = last();
        requests.set(JAVA_LONG, at + IbvRecvWr.WR_ID, id);
        requests.set(JAVA_INT, at + IbvRecvWr.NUM_SGE, 0);
        if (count > 1) {
            requests.set(JAVA_LONG, at - SIZE + IbvRecvWr.NEXT, requests.address() + at);
        }
        requests.set(JAVA_LONG, at + IbvRecvWr.NEXT, 0L);
    }

    /**
     * Adds a piece of local memory to the last request.
     *
     * @param address where it starts
     * @param bytes how long it is; unsigned
     * @param localKey key of its region
     */
    public void addSegment(long address, int bytes, int localKey) {
        if (segmentCount == segmentsEach || count == 0) {
            throw new IllegalStateException(
                    count == 0
                            ? "a segment without a request: add that first"
                            : "the request has all " + segmentsEach + " segments already");
        }
        long at = ((long) (count - 1) * segmentsEach + segmentCount) * SEGMENT_SIZE;
        segments.set(JAVA_LONG, at + IbvSge.ADDR, address);
        segments.set(JAVA_INT, at + IbvSge.LENGTH, bytes);
        segments.set(JAVA_INT, at + IbvSge.LKEY, localKey);
        segmentCount++;
        requests.set(JAVA_INT, last() + IbvRecvWr.NUM_SGE, segmentCount);
    }

    private long last() {
        return (count - 1) * SIZE;
    }

    long address() {
        return requests.address();
    }

    long badAddress() {
        return bad.address();
    }

    /** Notes what a post took. */
    int posted(int status) {
        accepted =
                status == 0 ? count : (int) ((bad.get(JAVA_LONG, 0) - requests.address()) / SIZE);
        return status;
    }
}
