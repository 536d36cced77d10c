package io.kvwire.rdma;

/**
 * This side of a lane's queue pair while it is connected: what the peer has to know of it, and the
 * ways to connect it. Used by one thread at a time until the lane is up; {@link #connected} may be
 * asked by any.
 */
final class LaneEnd {
    private final Rail rail;
    private final QueueSpec spec;
    private final QueuePair pair;
    private volatile boolean connected;
    private int port;

    LaneEnd(Rail rail, LaneQueues queues) {
        this.rail = rail;
        spec = queues.spec();
        pair = queues.pair();
    }

    /** {@return whether the peer is connected} */
    boolean connected() {
        return connected;
    }

    /** {@return what the peer has to know} */
    RemoteEnd told() {
        var pick = rail.pick();
        return new RemoteEnd(
                pair.number(),
                spec.firstPacket(),
                pick.gid(),
                pick.port().lid(),
                spec.mtuBytes(),
                spec.atomics(),
                port);
    }

    /** Waits for the peer at a port of its own, from now on. */
    void listen() {
        port = pair.listen();
    }

    /** Connects it with what the peer has told. */
    void connect(RemoteEnd remote) {
        pair.connect(remote);
        connected = true;
    }

    /** Connects it through the connection manager; blocks. */
    void connect(RemoteEnd remote, long secret, long deadlineNanos) {
        pair.connect(remote, secret, deadlineNanos);
    }

    /** The peer has taken it. */
    void taken() {
        connected = true;
    }

    /** Takes the peer, which comes through the connection manager; blocks. */
    void accept(RemoteEnd remote, long secret, long deadlineNanos) {
        pair.accept(remote, secret, deadlineNanos);
        connected = true;
    }
}
