package io.kvwire.rdma;

/**
 * A memory window of type 2: shows a part of a registration to the peer of one queue pair, under a
 * key of its own, from {@link QueuePair#BIND} to {@link QueuePair#INVALIDATE}.
 */
interface Window extends AutoCloseable {
    /** {@return the key for its next binding, another one each time} */
    int nextKey();

    /** Frees it, bound or not: its key is of no more use when this returns. */
    @Override
    void close();
}
