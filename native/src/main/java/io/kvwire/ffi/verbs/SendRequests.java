package io.kvwire.ffi.verbs;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A list of requests for a send queue, in memory outside the heap, posted with one doorbell.
 *
 * <p>Add requests, and to each its segments; post; {@link #clear}; and so on: nothing is allocated.
 * The queue has copied what it needs when {@link QueuePair#post(SendRequests)} returns, so the list
 * may be reused at once, but the memory that segments name may not before the completion (except
 * that of {@link #INLINE} requests).
 *
 * <p>Confined to one thread at a time.
 *
 * {@snippet :
 * var requests = SendRequests.allocate(arena, 64, 4);
 * requests.addWrite(id, SendRequests.SIGNALED, remoteAddress, remoteKey);
 * requests.addSegment(region.start(), 4096, region.localKey());
 * int status = queuePair.post(requests);
 * requests.clear();
 * }
 */
public final class SendRequests {

    /** Flag: starts only when reads posted before are complete. */
    public static final int FENCE = 1;

    /** Flag: makes a completion when it succeeds; a failure always makes one. */
    public static final int SIGNALED = 1 << 1;

    /** Flag: wakes a peer that waits for solicited completions only. */
    public static final int SOLICITED = 1 << 2;

    /**
     * Flag: the bytes are copied into the request when it is posted; their keys are not looked at.
     */
    public static final int INLINE = 1 << 3;

    /** Operation: a write into a peer's memory. */
    public static final int WRITE = 0;

    /** Operation: a write into a peer's memory that also completes one of its receives. */
    public static final int WRITE_IMMEDIATE = 1;

    /** Operation: a message that one of the peer's receives takes. */
    public static final int SEND = 2;

    /** Operation: a message with an immediate. */
    public static final int SEND_IMMEDIATE = 3;

    /** Operation: a read of a peer's memory. */
    public static final int READ = 4;

    /** {@link #add}: ends a key, {@code IBV_WR_LOCAL_INV}. */
    public static final int INVALIDATE = 7;

    /** {@link #add}: binds a window, {@code IBV_WR_BIND_MW}. */
    public static final int BIND = 8;

    private static final long SIZE = IbvSendWr.LAYOUT.byteSize();
    private static final int CACHE_LINE_BYTES = 64;
    private static final long SEGMENT_SIZE = IbvSge.LAYOUT.byteSize();

    private final MemorySegment memory;
    private final long first;
    private final long bad;
    private final int capacity;
    private final int segmentsEach;

    /** From one request, whose segments lie behind it, to the next. */
    private final long stride;

    private int count;
    private int segmentCount;
    private int accepted;

    /** Address of the last request. */
    private long last;

    private SendRequests(Arena arena, int capacity, int segmentsEach) {
        stride = SIZE + segmentsEach * SEGMENT_SIZE;
        memory = arena.allocate(capacity * stride + Long.BYTES, CACHE_LINE_BYTES);
        first = memory.address();
        bad = first + capacity * stride;
        this.capacity = capacity;
        this.segmentsEach = segmentsEach;
        for (long at = first; at < bad; at += stride) {
            Memory.putLong(at + IbvSendWr.SG_LIST, at + SIZE);
            Memory.putLong(at + IbvSendWr.NEXT, at + stride);
        }
        clear();
    }

    /**
     * Makes room for requests.
     *
     * @param arena where their memory comes from; must outlive every post
     * @param capacity how many can be posted at a time
     * @param segmentsEach how many segments each can have
     * @return an empty list
     */
    public static SendRequests allocate(Arena arena, int capacity, int segmentsEach) {
        if (capacity < 1 || segmentsEach < 1) {
            throw new IllegalArgumentException(
                    capacity
                            + " requests of "
                            + segmentsEach
                            + " segments: use at least one of each");
        }
        return new SendRequests(arena, capacity, segmentsEach);
    }

    /** {@return how many requests there is room for} */
    public int capacity() {
        return capacity;
    }

    /** {@return how many segments a request can have} */
    public int segmentsEach() {
        return segmentsEach;
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
        last = first - stride;
    }

    /**
     * Adds a write into a peer's memory.
     *
     * @param id comes back in the completion
     * @param flags bits named here
     * @param remoteAddress where to
     * @param remoteKey key of the peer's region
     */
    public void addWrite(long id, int flags, long remoteAddress, int remoteKey) {
        add(id, WRITE, flags);
        remote(remoteAddress, remoteKey);
    }

    /**
     * Adds a write into a peer's memory that also completes one of its receives.
     *
     * @param id comes back in the completion
     * @param flags bits named here
     * @param remoteAddress where to
     * @param remoteKey key of the peer's region
     * @param immediate what the peer's completion shows
     */
    public void addWriteImmediate(
            long id, int flags, long remoteAddress, int remoteKey, int immediate) {
        add(id, WRITE_IMMEDIATE, flags);
        remote(remoteAddress, remoteKey);
        immediate(immediate);
    }

    /**
     * Adds a read of a peer's memory.
     *
     * @param id comes back in the completion
     * @param flags bits named here
     * @param remoteAddress where from
     * @param remoteKey key of the peer's region
     */
    public void addRead(long id, int flags, long remoteAddress, int remoteKey) {
        add(id, READ, flags);
        remote(remoteAddress, remoteKey);
    }

    /**
     * Adds a message that one of the peer's receives takes.
     *
     * @param id comes back in the completion
     * @param flags bits named here
     */
    public void addSend(long id, int flags) {
        add(id, SEND, flags);
    }

    /**
     * Adds a message with an immediate that one of the peer's receives takes.
     *
     * @param id comes back in the completion
     * @param flags bits named here
     * @param immediate what the peer's completion shows
     */
    public void addSendImmediate(long id, int flags, int immediate) {
        add(id, SEND_IMMEDIATE, flags);
        immediate(immediate);
    }

    /**
     * Adds the end of a key: of a window's binding.
     *
     * @param id comes back in the completion
     * @param flags bits named here
     * @param remoteKey the key, which nobody can use afterwards
     */
    public void addInvalidate(long id, int flags, int remoteKey) {
        add(id, INVALIDATE, flags);
        invalidating(remoteKey);
    }

    /**
     * Says which key the last request, an {@link #INVALIDATE}, ends.
     *
     * @param remoteKey the key, which nobody can use afterwards
     */
    public void invalidating(int remoteKey) {
        requireRequest();
        Memory.putInt(last + IbvSendWr.IMM_DATA, remoteKey);
    }

    /**
     * Adds the binding of a window; {@link #showing} must follow.
     *
     * @param id comes back in the completion
     * @param flags bits named here
     * @param window of the queue pair's domain
     * @param remoteKey the key it is to have, {@link MemoryWindow#nextKey} of the one before
     */
    public void addBind(long id, int flags, MemoryWindow window, int remoteKey) {
        add(id, BIND, flags);
        binding(window, remoteKey);
    }

    /**
     * Says which window the last request, a {@link #BIND}, binds; {@link #showing} must follow.
     *
     * @param window of the queue pair's domain
     * @param remoteKey the key it is to have, {@link MemoryWindow#nextKey} of the one before
     */
    public void binding(MemoryWindow window, int remoteKey) {
        requireRequest();
        Memory.putLong(last + IbvSendWr.BIND_WINDOW, window.address().address());
        Memory.putInt(last + IbvSendWr.BIND_RKEY, remoteKey);
    }

    /**
     * Says what the window of the last {@link #addBind} shows.
     *
     * @param region registered with {@link AccessFlags#WINDOW_BIND}
     * @param address where the window starts
     * @param bytes how long it is
     * @param access what peers may do, bits of {@link AccessFlags}
     */
    public void showing(MemoryRegion region, long address, long bytes, int access) {
        requireRequest();
        long info = last + IbvSendWr.BIND_INFO;
        Memory.putLong(info + IbvMwBindInfo.MR, region.address().address());
        Memory.putLong(info + IbvMwBindInfo.ADDR, address);
        Memory.putLong(info + IbvMwBindInfo.LENGTH, bytes);
        Memory.putInt(info + IbvMwBindInfo.MW_ACCESS_FLAGS, access);
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
        long at = last + SIZE + segmentCount * SEGMENT_SIZE;
        Memory.putLong(at + IbvSge.ADDR, address);
        Memory.putInts(at + IbvSge.LENGTH, bytes, localKey);
        segmentCount++;
        Memory.putInt(last + IbvSendWr.NUM_SGE, segmentCount);
    }

    /**
     * Adds a request whose operation is chosen at run time; {@link #remote} and {@link #immediate}
     * follow where it needs them.
     *
     * @param id comes back in the completion
     * @param opcode one of the operations named here
     * @param flags bits named here
     */
    public void add(long id, int opcode, int flags) {
        if (count == capacity) {
            throw new IllegalStateException("the list holds " + capacity + " requests already");
        }
        Memory.touch(memory);
        long at = last + stride;
        Memory.putLong(at + IbvSendWr.WR_ID, id);
        Memory.putInts(at + IbvSendWr.NUM_SGE, 0, opcode);
        // No immediate may be left over from an earlier request: some operations refuse it.
        Memory.putInts(at + IbvSendWr.SEND_FLAGS, flags, 0);
        segmentCount = 0;
        last = at;
        count++;
    }

    /**
     * Says where the last request writes to or reads from.
     *
     * @param address in the peer's memory
     * @param key of the peer's region
     */
    public void remote(long address, int key) {
        requireRequest();
        Memory.putLong(last + IbvSendWr.REMOTE_ADDR, address);
        Memory.putInt(last + IbvSendWr.RKEY, key);
    }

    /**
     * Gives the last request its immediate, which travels with its most significant byte first.
     *
     * @param immediate what the peer's completion shows
     */
    public void immediate(int immediate) {
        requireRequest();
        Memory.putInt(last + IbvSendWr.IMM_DATA, NetworkOrder.of(immediate));
    }

    private void requireRequest() {
        if (count == 0) {
            throw new IllegalStateException("the list is empty: add a request first");
        }
    }

    /** {@return the address of the list, which ends here until {@link #posted}} */
    long closed() {
        Memory.putLong(last + IbvSendWr.NEXT, 0);
        return first;
    }

    long badAddress() {
        return bad;
    }

    /** Notes what a post took; each request names the next again, whether or not it is used. */
    int posted(int status) {
        if (count != 0) {
            Memory.putLong(last + IbvSendWr.NEXT, last + stride);
        }
        accepted = status == 0 ? count : (int) ((Memory.getLong(bad) - first) / stride);
        return status;
    }
}
