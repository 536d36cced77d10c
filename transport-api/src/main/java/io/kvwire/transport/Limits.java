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

    private static final Duration LONGEST = Duration.ofDays(365);

    /** What suits most: 64 MiB in flight, 1 MiB frames, 10 s of silence. */
    public static final Limits DEFAULT =
            new Limits(
                    1024,
                    4096,
                    4 << 20,
                    1 << 20,
                    64 << 10,
                    1024,
                    16 << 10,
                    64L << 20,
                    Duration.ofSeconds(10),
                    Duration.ofSeconds(1),
                    Duration.ofSeconds(10));

    /** The most block references that one data frame may carry: keeps headers under 16 KiB. */
    public static final int MAX_BLOCKS_PER_FRAME = 1024;

    /** Checks that every limit is in its range and that they fit each other. */
    public Limits {
        atLeast("maxPeers", maxPeers, 1);
        atLeast("maxRegions", maxRegions, 1);
        atLeast("maxControlBytes", maxControlBytes, 4096);
        atLeast("maxFramePayloadBytes", maxFramePayloadBytes, 4096);
        atLeast("maxNotificationBytes", maxNotificationBytes, 64);
        atMost("maxNotificationBytes", maxNotificationBytes, maxControlBytes / 2);
        atLeast("maxTransfersPerPeer", maxTransfersPerPeer, 1);
        atMost("maxTransfersPerPeer", maxTransfersPerPeer, 1 << 16);
        atLeast("maxQueuedTransfers", maxQueuedTransfers, 0);
        atLeast("windowBytes", windowBytes, maxFramePayloadBytes);
        positive("handshakeTimeout", handshakeTimeout);
        positive("heartbeatInterval", heartbeatInterval);
        positive("peerTimeout", peerTimeout);
        if (peerTimeout.dividedBy(2).compareTo(heartbeatInterval) < 0) {
            throw new IllegalArgumentException(
                    "peerTimeout "
                            + peerTimeout
                            + " is under twice the heartbeatInterval "
                            + heartbeatInterval
                            + ": a peer would be lost by chance");
        }
    }

    private static void atLeast(String name, long value, long least) {
        if (value < least) {
            throw new IllegalArgumentException(name + " is " + value + ": need at least " + least);
        }
    }

    private static void atMost(String name, long value, long most) {
        if (value > most) {
            throw new IllegalArgumentException(name + " is " + value + ": need at most " + most);
        }
    }

    private static void positive(String name, Duration value) {
        if (value.compareTo(LONGEST) > 0 || value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(
                    name + " is " + value + ": need more than zero, at most " + LONGEST);
        }
    }

    /**
     * {@return these limits with more or less time to connect}
     *
     * @param timeout from a connection's first byte to its acceptance
     */
    public Limits withHandshakeTimeout(Duration timeout) {
        return new Limits(
                maxPeers,
                maxRegions,
                maxControlBytes,
                maxFramePayloadBytes,
                maxNotificationBytes,
                maxTransfersPerPeer,
                maxQueuedTransfers,
                windowBytes,
                timeout,
                heartbeatInterval,
                peerTimeout);
    }

    /**
     * {@return these limits with another rhythm of heartbeats}
     *
     * @param interval between heartbeats
     * @param timeout silence after which a peer counts as lost
     */
    public Limits withHeartbeats(Duration interval, Duration timeout) {
        return new Limits(
                maxPeers,
                maxRegions,
                maxControlBytes,
                maxFramePayloadBytes,
                maxNotificationBytes,
                maxTransfersPerPeer,
                maxQueuedTransfers,
                windowBytes,
                handshakeTimeout,
                interval,
                timeout);
    }

    /**
     * {@return these limits with other bounds on what is in flight to one peer}
     *
     * @param transfers in flight at one time
     * @param queued waiting beyond those
     * @param bytes not yet confirmed
     */
    public Limits withInFlight(int transfers, int queued, long bytes) {
        return new Limits(
                maxPeers,
                maxRegions,
                maxControlBytes,
                (int) Math.min(maxFramePayloadBytes, bytes),
                maxNotificationBytes,
                transfers,
                queued,
                bytes,
                handshakeTimeout,
                heartbeatInterval,
                peerTimeout);
    }

    /**
     * {@return these limits with another size of frames}
     *
     * @param bytes payload of one frame
     */
    public Limits withFramePayload(int bytes) {
        return new Limits(
                maxPeers,
                maxRegions,
                maxControlBytes,
                bytes,
                maxNotificationBytes,
                maxTransfersPerPeer,
                maxQueuedTransfers,
                Math.max(windowBytes, bytes),
                handshakeTimeout,
                heartbeatInterval,
                peerTimeout);
    }
}
