package io.kvwire.transport;

/**
 * What a node tells its application. Called on the thread that made the event happen, often one of
 * the wire's: return soon and do not block. What a listener throws is logged and goes no further.
 */
public interface NodeListener {
    /**
     * A peer has connected, from either side.
     *
     * @param peer ready for transfers
     */
    default void connected(Peer peer) {}

    /**
     * A connection has ended.
     *
     * @param peer no longer usable
     * @param reason why
     */
    default void disconnected(Peer peer, TransferException reason) {}

    /**
     * A message has arrived, or the data that it was attached to has become visible.
     *
     * @param peer from whom
     * @param payload the message; the array is the listener's
     */
    default void notified(Peer peer, byte[] payload) {}

    /**
     * A transfer that this node initiated has ended.
     *
     * @param peer with whom
     * @param transfer ended
     */
    default void transferEnded(Peer peer, Transfer transfer) {}
}
