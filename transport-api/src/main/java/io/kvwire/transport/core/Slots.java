package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Names for the transfers of one connection: a slot number below, the count of its uses above, so
 * that a late message of an earlier use finds nothing. Transfers beyond the slots wait in a bounded
 * queue.
 */
final class Slots {
    static final int SLOT_BITS = 16;
    private static final long SLOT_MASK = (1 << SLOT_BITS) - 1;

    private final AtomicReferenceArray<OngoingTransfer> taken;
    private final long[] uses;
    private final int[] free;
    private final int maxQueued;
    private final ArrayDeque<OngoingTransfer> queued = new ArrayDeque<>();
    private final ReentrantLock lock = new ReentrantLock();
    private int freeCount;
    private TransferException closed;

    Slots(int count, int maxQueued) {
        taken = new AtomicReferenceArray<>(count);
        uses = new long[count];
        free = new int[count];
        for (int i = 0; i < count; i++) {
            free[i] = count - 1 - i;
        }
        freeCount = count;
        this.maxQueued = maxQueued;
    }

    static int slotOf(long id) {
        return (int) (id & SLOT_MASK);
    }

    static long useOf(long id) {
        return id >>> SLOT_BITS;
    }

    /** Gives a transfer a slot and starts it, or queues it, or ends it. */
    void submit(OngoingTransfer transfer) {
        TransferException refusal = null;
        boolean start = false;
        lock.lock();
        try {
            if (closed != null) {
                refusal = closed;
            } else if (freeCount > 0 && queued.isEmpty()) {
                take(transfer);
                start = true;
            } else if (queued.size() < maxQueued) {
                queued.add(transfer);
            } else {
                refusal =
                        new TransferException(
                                ErrorCode.RESOURCE_EXHAUSTED,
                                maxQueued
                                        + " transfers are waiting for the peer already"
                                        + " (maxQueuedTransfers): wait for some to end");
            }
        } finally {
            lock.unlock();
        }
        if (start) {
            transfer.activate();
        } else if (refusal != null) {
            transfer.fail(refusal);
        }
    }

    private void take(OngoingTransfer transfer) {
        int slot = free[--freeCount];
        uses[slot]++;
        transfer.name(uses[slot] << SLOT_BITS | slot);
        taken.set(slot, transfer);
    }

    /** Returns the slot of a transfer that is over and quiet, and starts one that waited. */
    void release(OngoingTransfer transfer) {
        OngoingTransfer next = null;
        lock.lock();
        try {
            if (transfer.id() == 0) {
                queued.remove(transfer);
                return;
            }
            int slot = slotOf(transfer.id());
            if (taken.compareAndExchange(slot, transfer, null) != transfer) {
                return;
            }
            free[freeCount++] = slot;
            while (next == null && !queued.isEmpty() && closed == null) {
                next = queued.poll();
                if (next.ended()) {
                    next = null;
                }
            }
            if (next != null) {
                take(next);
            }
        } finally {
            lock.unlock();
        }
        if (next != null) {
            next.activate();
        }
    }

    /** The transfer of an id, or null when it is over. */
    OngoingTransfer find(long id) {
        int slot = slotOf(id);
        var transfer = slot < taken.length() ? taken.get(slot) : null;
        return transfer != null && transfer.id() == id ? transfer : null;
    }

    /** Refuses new transfers from now on, and lists those that run or wait. */
    List<OngoingTransfer> close(TransferException reason) {
        lock.lock();
        try {
            if (closed == null) {
                closed = reason;
            }
        } finally {
            lock.unlock();
        }
        return all();
    }

    /** How many have a slot. */
    int running() {
        lock.lock();
        try {
            return taken.length() - freeCount;
        } finally {
            lock.unlock();
        }
    }

    /** Those that run or wait. */
    List<OngoingTransfer> all() {
        lock.lock();
        try {
            var all = active();
            all.addAll(queued);
            return all;
        } finally {
            lock.unlock();
        }
    }

    List<OngoingTransfer> active() {
        var all = new ArrayList<OngoingTransfer>();
        for (int i = 0; i < taken.length(); i++) {
            var transfer = taken.get(i);
            if (transfer != null) {
                all.add(transfer);
            }
        }
        return all;
    }
}
