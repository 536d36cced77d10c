package io.kvwire.ffi.verbs;

/**
 * Limits of a device.
 *
 * @param regionBytes longest memory region, in bytes; unsigned
 * @param regions number of memory regions
 * @param queuePairs number of queue pairs
 * @param queuedRequests work requests in one queue
 * @param segments scatter/gather elements of a work request
 * @param readSegments scatter/gather elements of a read
 * @param queueEntries entries of a completion queue
 * @param readsServed reads and atomics that a queue pair answers at a time
 * @param readsIssued reads and atomics that a queue pair has under way at a time
 * @param sharedRequests work requests in a shared receive queue
 * @param sharedSegments scatter/gather elements of a receive of a shared queue
 * @param windows number of memory windows
 */
public record DeviceLimits(
        long regionBytes,
        int regions,
        int queuePairs,
        int queuedRequests,
        int segments,
        int readSegments,
        int queueEntries,
        int readsServed,
        int readsIssued,
        int sharedRequests,
        int sharedSegments,
        int windows) {}
