package io.kvwire.transport;

import java.util.Arrays;
import java.util.Map;

/**
 * What a node has counted since its start; a plain value for exporters.
 *
 * @param transfersDone transfers initiated here that ended well
 * @param transfersFailed by code
 * @param transfersCancelled transfers initiated here and withdrawn
 * @param bytesSent payload given to wires
 * @param bytesReceived payload placed into targets
 * @param bytesReceivedInPlace of those, received by the socket or NIC straight into the target
 * @param bytesGathered payload copied at the source because layouts differ
 * @param bytesFromDevices what devices have brought to the host for frames: values, or their codes
 * @param bytesToDevices what devices have taken from frames, likewise
 * @param bytesEncoded blocks that went through an encoder, before encoding
 * @param bytesDecoded blocks that came out of a decoder
 * @param bytesDropped payload that arrived for transfers that had ended, and went nowhere
 * @param framesSent data frames given to wires
 * @param framesReceived data frames whose header was accepted
 * @param framesRefused data frames whose header was refused
 * @param descriptors contiguous pieces of memory sent from, after coalescing
 * @param creditWaits times that a frame waited for the receiver's credits
 * @param stagingWaits times that a frame waited for room to encode it
 * @param duplicates confirmations for transfers that had ended
 * @param transfersActive transfers initiated here that still run
 * @param blocksPinned blocks of this node that a transfer touches now
 * @param leases leases that are valid now
 * @param views views that peers have open of blocks here
 * @param codecs transfers of blocks sent from here, by the codec that they were sent in
 * @param peers connections that are up
 * @param phases distributions of transfer times, by phase: {@code queue}, {@code encode}, {@code
 *     wire}, {@code decode}, {@code scatter}, {@code total}
 */
public record MetricsSnapshot(
        long transfersDone,
        Map<ErrorCode, Long> transfersFailed,
        long transfersCancelled,
        long bytesSent,
        long bytesReceived,
        long bytesReceivedInPlace,
        long bytesGathered,
        long bytesFromDevices,
        long bytesToDevices,
        long bytesEncoded,
        long bytesDecoded,
        long bytesDropped,
        long framesSent,
        long framesReceived,
        long framesRefused,
        long descriptors,
        long creditWaits,
        long stagingWaits,
        long duplicates,
        int transfersActive,
        long blocksPinned,
        int leases,
        int views,
        Map<String, Long> codecs,
        int peers,
        Map<String, Histogram> phases) {

    /** Copies the maps. */
    public MetricsSnapshot {
        transfersFailed = Map.copyOf(transfersFailed);
        codecs = Map.copyOf(codecs);
        phases = Map.copyOf(phases);
    }

    /**
     * A distribution of durations over powers of two: bucket {@code i} counts those in {@code [2^i,
     * 2^(i+1))} nanoseconds. Immutable.
     */
    public static final class Histogram {
        /** The number of buckets. */
        public static final int BUCKETS = 64;

        private final long[] counts;
        private final long sumNanos;

        /**
         * Makes a distribution.
         *
         * @param counts of each bucket; copied
         * @param sumNanos of all durations
         * @throws IllegalArgumentException when there are not {@link #BUCKETS} counts
         */
        public Histogram(long[] counts, long sumNanos) {
            if (counts.length != BUCKETS) {
                throw new IllegalArgumentException(counts.length + " buckets: need " + BUCKETS);
            }
            this.counts = counts.clone();
            this.sumNanos = sumNanos;
        }

        /** {@return a copy of the counts of all buckets} */
        public long[] counts() {
            return counts.clone();
        }

        /** {@return the sum of all durations} */
        public long sumNanos() {
            return sumNanos;
        }

        /** {@return the number of durations} */
        public long total() {
            return Arrays.stream(counts).sum();
        }
    }
}
