package io.kvwire.rdma;

/** A registration of memory with one device. */
interface MemoryKeys extends AutoCloseable {
    /** {@return the key that this side's work requests carry} */
    int localKey();

    /** {@return the key that a peer's work requests carry} */
    int remoteKey();

    /** Deregisters: the device can reach the memory no more when this returns. */
    @Override
    void close();
}
