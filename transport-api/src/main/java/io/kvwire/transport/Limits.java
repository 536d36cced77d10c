package io.kvwire.transport;

import java.time.Duration;

/**
 * The named limit of every queue, batch and wait of a node.
 *
 * @param maxPeers connections at one time
 * @param maxRegions regions and caches registered at one time, and accepted from one peer
 * @param maxControlBytes one control message
 * @param maxFramePayloadBytes payload of one data frame
 * @param maxNotificationBytes one notification
 * @param maxTransfersPerPeer transfers in flight to one peer; more are queued
 * @param maxQueuedTransfers transfers waiting for one peer
 * @param windowBytes payload on its way to one peer that it has not confirmed
 * @param handshakeTimeout from a connection's first byte to its acceptance
 * @param heartbeatInterval between heartbeats on an idle connection
 * @param peerTimeout silence after which a peer counts as lost
 */
public record Limits(
        int maxPeers,
        int maxRegions,
        int maxControlBytes,
        int maxFramePayloadBytes,
        int maxNotificationBytes,
        int maxTransfersPerPeer,
        int maxQueuedTransfers,
        long windowBytes,
        Duration handshakeTimeout,
        Duration heartbeatInterval,
        Duration peerTimeout) {

    /** What suits most: 64 MiB in flight, 1 MiB frames, 10 s of silence. */
    public static final Limits DEFAULT = new Limits(1024, 4096, 4 << 20, 1 << 20, 64 << 10, 1024,
            16 << 10, 64L << 20, Duration.ofSeconds(10), Duration.ofSeconds(1),
            Duration.ofSeconds(10));

    /** The most frames that one transfer may put in a header: keeps headers under 16 KiB. */
    public static final int MAX_BLOCKS_PER_FRAME = 1024;

    /** Checks that every limit is positive and that they fit each other. */
    public Limits {
        if (maxPeers < 1 || maxRegions < 1 || maxControlBytes < 4096 || maxFramePayloadBytes < 4096
                || maxNotificationBytes < 64 || maxTransfersPerPeer < 1 || maxQueuedTransfers < 0
                || maxTransfersPerPeer > 1 << 16 || windowBytes < maxFramePayloadBytes) {
            throw new IllegalArgumentException(
                    "a limit is too small, or windowBytes is below maxFramePayloadBytes");
        }
        if (maxNotificationBytes > maxControlBytes / 2) {
            throw new IllegalArgumentException(
                    "maxNotificationBytes is above half of maxControlBytes");
        }
        if (peerTimeout.compareTo(heartbeatInterval.multipliedBy(2)) < 0) {
            throw new IllegalArgumentException(
                    "peerTimeout is under twice the heartbeatInterval: a peer would be lost by chance");
        }
    }

    /**
     * {@return these limits with another rhythm of heartbeats}
     *
     * @param interval between heartbeats
     * @param timeout silence after which a peer counts as lost
     */
    public Limits withHeartbeats(Duration interval, Duration timeout) {
        return new Limits(maxPeers, maxRegions, maxControlBytes, maxFramePayloadBytes,
                maxNotificationBytes, maxTransfersPerPeer, maxQueuedTransfers, windowBytes,
                handshakeTimeout, interval, timeout);
    }

    /**
     * {@return these limits with other bounds on what is in flight to one peer}
     *
     * @param transfers in flight at one time
     * @param queued waiting beyond those
     * @param bytes not yet confirmed
     */
    public Limits withInFlight(int transfers, int queued, long bytes) {
        return new Limits(maxPeers, maxRegions, maxControlBytes,
                (int) Math.min(maxFramePayloadBytes, bytes), maxNotificationBytes, transfers, queued,
                bytes, handshakeTimeout, heartbeatInterval, peerTimeout);
    }

    /**
     * {@return these limits with another size of frames}
     *
     * @param bytes payload of one frame
     */
    public Limits withFramePayload(int bytes) {
        return new Limits(maxPeers, maxRegions, maxControlBytes, bytes, maxNotificationBytes,
                maxTransfersPerPeer, maxQueuedTransfers, Math.max(windowBytes, bytes),
                handshakeTimeout, heartbeatInterval, peerTimeout);
    }
}
