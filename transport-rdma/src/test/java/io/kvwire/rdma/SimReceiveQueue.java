package io.kvwire.rdma;

import java.util.ArrayDeque;

/** A simulated shared receive queue. */
final class SimReceiveQueue implements ReceiveQueue {
    record Receive(long id, long address, int bytes, int key) {}

    private final SimFabric fabric;
    private final int depth;
    final ArrayDeque<Receive> posted = new ArrayDeque<>();

    SimReceiveQueue(SimFabric fabric, int depth) {
        this.fabric = fabric;
        this.depth = depth;
    }

    @Override
    public void post(long id, long address, int bytes, int localKey) {
        fabric.lock.lock();
        try {
            if (posted.size() == depth) {
                throw new AssertionError("a shared receive queue of " + depth + " overruns");
            }
            posted.add(new Receive(id, address, bytes, localKey));
            fabric.signal();
        } finally {
            fabric.lock.unlock();
        }
    }

    @Override
    public void close() {}
}
