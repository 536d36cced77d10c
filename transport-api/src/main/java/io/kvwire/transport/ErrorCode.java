package io.kvwire.transport;

/** Why an operation failed. The numbers are part of the wire format and never change. */
public enum ErrorCode {
    /** A bug in this library or in a wire. */
    INTERNAL(1, false),
    /** An argument that can never be right: a range past the end, a length that wraps. */
    OUT_OF_RANGE(2, false),
    /** Bytes from a peer that are no valid message. */
    MALFORMED(3, false),
    /** A cache or region that the owner does not have. */
    UNKNOWN_REGION(4, false),
    /** A block, region or table whose generation or incarnation has passed. */
    STALE(5, false),
    /** The region does not grant this access to peers. */
    ACCESS_DENIED(6, false),
    /** The two layouts cannot be mapped onto each other. */
    INCOMPATIBLE_LAYOUT(7, false),
    /** The lease has run out or was released. */
    LEASE_EXPIRED(8, false),
    /** The deadline passed first. */
    DEADLINE_EXCEEDED(9, true),
    /** A lane broke while it carried bytes of this transfer; other lanes may still be up. */
    LANE_LOST(10, true),
    /** The peer is gone: closed, crashed, restarted or silent. */
    PEER_LOST(11, true),
    /** A limit of this node or its peer is reached; the message names it. */
    RESOURCE_EXHAUSTED(12, true),
    /** The checksum of the received bytes is not the one that was sent. */
    CORRUPT(13, true),
    /** No path that was asked for is available; the message says why for each. */
    PATH_UNAVAILABLE(14, false),
    /** The peer cannot be reached. */
    UNREACHABLE(15, true),
    /** The peer refused the connection, or its identity could not be proven. */
    REFUSED(16, false),
    /** The peer speaks another protocol version. */
    VERSION_MISMATCH(17, false),
    /** The node, peer, cache or stream was closed. */
    CLOSED(18, false),
    /** The initiator withdrew the transfer. */
    CANCELLED(19, false);

    private final int number;
    private final boolean retryable;

    ErrorCode(int number, boolean retryable) {
        this.number = number;
        this.retryable = retryable;
    }

    /** {@return the number that stands for this code on the wire} */
    public int number() {
        return number;
    }

    /** {@return whether the same operation may succeed later, perhaps over a new connection} */
    public boolean retryable() {
        return retryable;
    }

    /**
     * {@return the code with a number, or {@link #INTERNAL} when a newer peer sent one not known
     * here}
     *
     * @param number from the wire
     */
    public static ErrorCode of(int number) {
        for (var code : values()) {
            if (code.number == number) {
                return code;
            }
        }
        return INTERNAL;
    }
}
