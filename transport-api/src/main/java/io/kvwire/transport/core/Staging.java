package io.kvwire.transport.core;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * Memory outside the heap for encoded frames of one connection and direction: slots of powers of
 * two, cut from slabs that the wires hear of as they do of registered memory, used again and again.
 * Thread-safe.
 *
 * <p>{@link #room} says whether a slot may be taken within the bounds; {@link #take} always gives
 * one, so whoever takes without asking keeps the bound by other means.
 */
final class Staging {
    private static final int LEAST_BITS = 12;
    private static final int CLASSES = 32 - LEAST_BITS;
    private static final long SLAB_BYTES = 1 << 20;

    private final int maxSlots;
    private final long maxBytes;
    private final Consumer<MemorySegment> added;
    private final Consumer<MemorySegment> removed;
    private final List<ArrayDeque<Slot>> free = new ArrayList<>();
    private final List<Slab> slabs = new ArrayList<>();
    private int slotsTaken;
    private long bytesTaken;
    private long allocated;
    private boolean closed;

    /** Memory of slots that are all alike. */
    private static final class Slab {
        final MemorySegment memory;
        final int slotClass;
        int taken;

        Slab(MemorySegment memory, int slotClass) {
            this.memory = memory;
            this.slotClass = slotClass;
        }
    }

    /** Room for one frame. */
    static final class Slot {
        private final Slab slab;
        private final long offset;
        private final long bytes;

        private Slot(Slab slab, long offset, long bytes) {
            this.slab = slab;
            this.offset = offset;
            this.bytes = bytes;
        }

        /** The memory that the slot lies in, the same object for as long as it exists. */
        MemorySegment memory() {
            return slab.memory;
        }

        long offset() {
            return offset;
        }

        long bytes() {
            return bytes;
        }

        MemorySegment part(long length) {
            return slab.memory.asSlice(offset, length);
        }
    }

    /**
     * Makes staging without memory.
     *
     * @param added told of memory before it is used
     * @param removed told of memory that is not used any more
     */
    Staging(
            int maxSlots,
            long maxBytes,
            Consumer<MemorySegment> added,
            Consumer<MemorySegment> removed) {
        this.maxSlots = maxSlots;
        this.maxBytes = maxBytes;
        this.added = added;
        this.removed = removed;
        for (int i = 0; i < CLASSES; i++) {
            free.add(new ArrayDeque<>());
        }
    }

    private static int classOf(long bytes) {
        int bits = Long.SIZE - Long.numberOfLeadingZeros(Math.max(1, bytes) - 1);
        return Math.max(bits, LEAST_BITS) - LEAST_BITS;
    }

    private static long bytesOf(int slotClass) {
        return 1L << (slotClass + LEAST_BITS);
    }

    /** Whether a frame of so many bytes may be staged now: always, when nothing else is. */
    synchronized boolean room(long bytes) {
        return slotsTaken == 0
                || (slotsTaken < maxSlots && bytesTaken + bytesOf(classOf(bytes)) <= maxBytes);
    }

    /** Takes a slot of at least so many bytes, below 2 GiB. */
    synchronized Slot take(long bytes) {
        int slotClass = classOf(bytes);
        var slots = free.get(slotClass);
        if (slots.isEmpty()) {
            grow(slotClass);
        }
        var slot = slots.pop();
        slot.slab.taken++;
        slotsTaken++;
        bytesTaken += slot.bytes;
        return slot;
    }

    private void grow(int slotClass) {
        long slotBytes = bytesOf(slotClass);
        long bytes = Math.max(slotBytes, Math.min(SLAB_BYTES, maxBytes));
        dropIdle(maxBytes - bytes);
        var slab = new Slab(Arena.ofAuto().allocate(bytes, 4096), slotClass);
        added.accept(slab.memory);
        allocated += bytes;
        slabs.add(slab);
        for (long at = 0; at + slotBytes <= bytes; at += slotBytes) {
            free.get(slotClass).push(new Slot(slab, at, slotBytes));
        }
    }

    /**
     * Lets go of slabs of which no slot is taken, oldest first, and of no more than it takes: those
     * that stay need not be made, cleared and registered again by the next frames.
     *
     * @param most bytes that may stay
     */
    private void dropIdle(long most) {
        slabs.removeIf(slab -> {
            if (slab.taken != 0 || allocated <= most) {
                return false;
            }
            free.get(slab.slotClass).removeIf(slot -> slot.slab == slab);
            allocated -= slab.memory.byteSize();
            removed.accept(slab.memory);
            return true;
        });
    }

    synchronized void give(Slot slot) {
        slot.slab.taken--;
        slotsTaken--;
        bytesTaken -= slot.bytes;
        free.get(slot.slab.slotClass).push(slot);
        if (closed) {
            dropIdle(0);
        }
    }

    /** Lets go of the memory, as far as it is taken once it is given back. */
    synchronized void close() {
        closed = true;
        dropIdle(0);
    }

    synchronized int slotsTaken() {
        return slotsTaken;
    }

    synchronized long allocatedBytes() {
        return allocated;
    }
}
