package io.kvwire.rdma;

/** A registration with a simulated device. */
record SimKeys(
        SimFabric fabric, SimDevice device, int localKey, long address, long bytes, int access)
        implements MemoryKeys {
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
