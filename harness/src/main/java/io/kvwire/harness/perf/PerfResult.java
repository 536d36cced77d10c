package io.kvwire.harness.perf;

import com.fasterxml.jackson.annotation.JsonUnwrapped;

/**
 * One measured point. 1 GB is 10^9 bytes.
 *
 * @param op {@code write}, {@code read} or {@code notify}
 * @param blockBytes bytes of one block, or of the message
 * @param blockCount blocks of one transfer
 * @param workingSetBytes memory at each end
 * @param link what it was measured over
 * @param gigabytesPerSecond payload moved
 * @param descriptorsPerSecond blocks moved
 * @param p50Micros median time of one transfer, or of one round trip
 * @param p99Micros 99th percentile of it
 * @param cpuSecondsPerGigabyte CPU time of both processes
 * @param senderNanosPerDescriptor CPU time of the sending process for each block
 * @param verified whether every byte of the target was checked and right
 * @param scattered whether blocks lay in random places
 * @param depth transfers in flight
 * @param codec how the blocks of most transfers looked on the wire; empty for messages, and for a
 *     READ, where the server decides
 * @param codecShare the share of the transfers that were sent so
 * @param codecReason why the last of them, with the expected times where rates decided
 * @param ratio bytes of blocks by bytes on the wire, 1 for messages
 */
record PerfResult(
        String op,
        long blockBytes,
        int blockCount,
        long workingSetBytes,
        @JsonUnwrapped PerfLink link,
        double gigabytesPerSecond,
        double descriptorsPerSecond,
        double p50Micros,
        double p99Micros,
        double cpuSecondsPerGigabyte,
        double senderNanosPerDescriptor,
        Boolean verified,
        boolean scattered,
        int depth,
        String codec,
        double codecShare,
        String codecReason,
        double ratio) {}
