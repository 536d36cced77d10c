package io.kvwire.rdma;

import io.kvwire.transport.spi.DmaBuf;

/** A simulated device. */
record SimDevice(SimFabric fabric, DeviceLimits limits, boolean immediates, Object identity)
        implements VerbsDevice {
    SimDevice(SimFabric fabric, DeviceLimits limits, boolean immediates) {
        this(fabric, limits, immediates, new Object());
    }

    @Override
    public MemoryKeys register(long address, long bytes, int access) {
        SimGpu.requirePeerMemory(address);
        return fabric.register(address, bytes, access, this);
    }

    @Override
    public MemoryKeys registerDmaBuf(DmaBuf buffer, long address, long bytes, int access) {
        SimGpu.requireDmaBuf(buffer, address);
        return fabric.register(address, bytes, access, this);
    }

    @Override
    public Window window() {
        return new SimWindow(fabric, 0);
    }

    @Override
    public CompletionQueue completionQueue(int depth) {
        return new SimCompletionQueue(fabric, Math.min(depth, fabric.queueRoom()));
    }

    @Override
    public ReceiveQueue receiveQueue(int depth) {
        return new SimReceiveQueue(fabric, depth);
    }

    @Override
    public QueuePair queuePair(
            VerbsPort port, CompletionQueue completions, ReceiveQueue receives, QueueSpec spec) {
        return new SimQueuePair(
                this, (SimCompletionQueue) completions, (SimReceiveQueue) receives, spec);
    }

    @Override
    public void close() {}
}
