package io.kvwire.rdma;

/** A shared receive queue. Confined to the thread of its poller. */
interface ReceiveQueue extends AutoCloseable {
    /**
     * Posts a receive.
     *
     * @param id comes back in the completion
     * @param address of the buffer
     * @param bytes of the buffer
     * @param localKey of its registration
     */
    void post(long id, long address, int bytes, int localKey);

    @Override
    void close();
}
