package io.kvwire.rdma;

import java.util.Optional;

/**
 * A registration with a simulated device, or what a window shows of one to the peer of a queue
 * pair.
 */
record SimKeys(
        SimFabric fabric,
        SimDevice device,
        int localKey,
        long address,
        long bytes,
        int access,
        int queuePair,
        Optional<SimKeys> shows)
        implements MemoryKeys {
    static final int ANY = 0;

    @Override
    public int remoteKey() {
        return localKey;
    }

    boolean covers(long from, long length) {
        return from >= address && length <= bytes && from - address <= bytes - length;
    }

    @Override
    public void close() {
        fabric.deregister(this);
    }
}
