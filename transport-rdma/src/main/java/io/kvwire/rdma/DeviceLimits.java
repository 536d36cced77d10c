package io.kvwire.rdma;

/**
 * The most that a device can do.
 *
 * @param queueDepth work requests in a send queue
 * @param gathers pieces of memory of one work request
 * @param completions in a completion queue
 * @param sharedReceives in a shared receive queue
 * @param atomics READs in flight on one queue pair
 */
record DeviceLimits(
        int queueDepth, int gathers, int completions, int sharedReceives, int atomics) {}
