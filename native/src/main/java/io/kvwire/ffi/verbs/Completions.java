package io.kvwire.ffi.verbs;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Completions taken from a queue at a time, in memory outside the heap.
 *
 * <p>Of a completion that failed, only {@link #id}, {@link #status}, {@link #vendorError} and
 * {@link #queuePair} mean anything. Confined to the thread that polls.
 *
 * {@snippet :
 * for (int i = 0, n = queue.poll(completions); i < n; i++) {
 *     if (completions.status(i) != 0) {
 *         fail(completions.id(i), CompletionStatus.of(completions.status(i)));
 *     }
 * }
 * }
 */
public final class Completions {

    /** {@link #opcode} of a send. */
    public static final int OPCODE_SEND = 0;

    /** {@link #opcode} of a write. */
    public static final int OPCODE_WRITE = 1;

    /** {@link #opcode} of a read. */
    public static final int OPCODE_READ = 2;

    /** {@link #opcode} of binding a window. */
    public static final int OPCODE_BIND = 5;

    /** {@link #opcode} of invalidating a key. */
    public static final int OPCODE_INVALIDATE = 6;

    /** Bit that is set in the {@link #opcode} of every receive. */
    public static final int OPCODE_RECEIVE = 1 << 7;

    /** {@link #opcode} of a receive that a peer's write with an immediate used up. */
    public static final int OPCODE_RECEIVE_WRITE = OPCODE_RECEIVE | 1;

    private static final int FLAG_IMMEDIATE = 1 << 1;

    private static final long SIZE = IbvWc.LAYOUT.byteSize();

    private final MemorySegment memory;
    private final long address;
    private final int capacity;
    private int count;

    private Completions(MemorySegment memory, int capacity) {
        this.memory = memory;
        this.capacity = capacity;
        address = memory.address();
    }

    /**
     * Makes room for completions.
     *
     * @param arena where their memory comes from; must outlive every poll
     * @param capacity how many to take at a time at most
     * @return room, empty
     */
    public static Completions allocate(Arena arena, int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException(
                    capacity + " completions: make room for one at least");
        }
        return new Completions(arena.allocate(IbvWc.LAYOUT, capacity), capacity);
    }

    /** {@return how many can be taken at a time} */
    public int capacity() {
        return capacity;
    }

    /** {@return how many were taken by the last poll} */
    public int count() {
        return count;
    }

    /**
     * {@return the id of the request that is complete}
     *
     * @param index which completion, from 0
     */
    public long id(int index) {
        return Memory.getLong(at(index) + IbvWc.WR_ID);
    }

    /**
     * {@return number of the {@link CompletionStatus}; 0 for success}
     *
     * @param index which completion, from 0
     */
    public int status(int index) {
        return Memory.getInt(at(index) + IbvWc.STATUS);
    }

    /**
     * {@return what was done, one of the opcodes named here}
     *
     * @param index which completion, from 0
     */
    public int opcode(int index) {
        return Memory.getInt(at(index) + IbvWc.OPCODE);
    }

    /**
     * {@return the driver's own number for a failure}
     *
     * @param index which completion, from 0
     */
    public int vendorError(int index) {
        return Memory.getInt(at(index) + IbvWc.VENDOR_ERR);
    }

    /**
     * {@return bytes received, or read}
     *
     * @param index which completion, from 0
     */
    public int bytes(int index) {
        return Memory.getInt(at(index) + IbvWc.BYTE_LEN);
    }

    /**
     * {@return whether the peer of this receive sent an immediate along; some devices say so of the
     * sender's completion, too}
     *
     * @param index which completion, from 0
     */
    public boolean hasImmediate(int index) {
        return (Memory.getInt(at(index) + IbvWc.WC_FLAGS) & FLAG_IMMEDIATE) != 0;
    }

    /**
     * {@return the immediate, as the number that the peer sent}
     *
     * @param index which completion, from 0
     */
    public int immediate(int index) {
        return NetworkOrder.of(Memory.getInt(at(index) + IbvWc.IMM_DATA));
    }

    /**
     * {@return number of the local queue pair}
     *
     * @param index which completion, from 0
     */
    public int queuePair(int index) {
        return Memory.getInt(at(index) + IbvWc.QP_NUM);
    }

    void polled(int polled) {
        count = polled;
    }

    /** {@return where to poll to; fails when the memory is gone} */
    long address() {
        Memory.touch(memory);
        return address;
    }

    private long at(int index) {
        return address + Objects.checkIndex(index, count) * SIZE;
    }
}
