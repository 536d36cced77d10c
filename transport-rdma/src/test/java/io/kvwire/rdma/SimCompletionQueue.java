package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;

/** A simulated completion queue: one completion too many breaks it for good. */
final class SimCompletionQueue implements CompletionQueue {
    record Completion(
            long id, int status, int bytes, int queuePair, boolean immediate, int value) {}

    private final SimFabric fabric;
    private final int depth;
    private final Condition event;
    private final ArrayDeque<Completion> waiting = new ArrayDeque<>();
    private boolean armed;
    private boolean woken;
    private boolean overrun;
    private int most;

    SimCompletionQueue(SimFabric fabric, int depth) {
        this.fabric = fabric;
        this.depth = depth;
        event = fabric.lock.newCondition();
    }

    /** Called with the fabric's lock. */
    void add(Completion completion) {
        if (waiting.size() == depth) {
            overrun = true;
        } else {
            waiting.add(completion);
            most = Math.max(most, waiting.size());
        }
        if (armed) {
            armed = false;
            woken = true;
            event.signalAll();
        }
    }

    /** Drops what a queue pair has to report; called with the fabric's lock. */
    void forget(int queuePair) {
        waiting.removeIf(completion -> completion.queuePair == queuePair);
    }

    /** {@return the most completions that ever waited} */
    int most() {
        return most;
    }

    @Override
    public int poll(Completions into) {
        fabric.lock.lock();
        try {
            if (overrun) {
                throw new TransferException(
                        ErrorCode.INTERNAL, "a completion queue of " + depth + " has overrun");
            }
            int count = 0;
            while (count < into.capacity() && !waiting.isEmpty()) {
                var next = waiting.poll();
                into.id[count] = next.id;
                into.status[count] = next.status;
                into.bytes[count] = next.bytes;
                into.queuePair[count] = next.queuePair;
                into.immediate[count] = next.immediate;
                into.value[count] = next.value;
                count++;
            }
            return count;
        } finally {
            fabric.lock.unlock();
        }
    }

    @Override
    public void arm() {
        fabric.lock.lock();
        try {
            armed = true;
        } finally {
            fabric.lock.unlock();
        }
    }

    @Override
    public void await(long nanos) {
        fabric.lock.lock();
        try {
            long left = nanos;
            while (!woken && left > 0) {
                left = event.awaitNanos(left);
            }
            woken = false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            fabric.lock.unlock();
        }
    }

    @Override
    public void wake() {
        fabric.lock.lock();
        try {
            woken = true;
            event.signalAll();
        } finally {
            fabric.lock.unlock();
        }
    }

    @Override
    public void close() {}
}
