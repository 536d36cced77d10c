package io.kvwire.rdma;

/**
 * The most that a device can do.
 *
 * @param queueDepth work requests in a send queue
 * @param gathers pieces of memory of one work request
 * @param completions in a completion queue
 * @param sharedReceives in a shared receive queue
 * @param atomics READs in flight on one queue pair
 * @param windows memory windows of type 2; 0 where it has none
 */
record DeviceLimits(
        int queueDepth,
        int gathers,
        int completions,
        int sharedReceives,
        int atomics,
        int windows) {
    /** {@return these limits, of whoever has no call for windows} */
    DeviceLimits withoutWindows() {
        return new DeviceLimits(queueDepth, gathers, completions, sharedReceives, atomics, 0);
    }
}
