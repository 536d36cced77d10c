package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;

/**
 * A global identifier of a port: an IPv6 address, or an IPv4 address mapped into one.
 *
 * @param index its place in the port's table
 * @param kind which protocol it stands for
 * @param high the first eight bytes, big-endian
 * @param low the last eight bytes, big-endian
 */
record Gid(int index, Kind kind, long high, long low) {
    /** What packets to this address look like. */
    enum Kind {
        /** InfiniBand. */
        INFINIBAND,
        /** RoCE version 1: Ethernet frames, not routed. */
        ROCE_V1,
        /** RoCE version 2: UDP. */
        ROCE_V2
    }

    private static final long IPV4_PREFIX = 0xFFFFL;
    private static final int LINK_LOCAL = 0xFE80;

    /** {@return whether it is an IPv4 address} */
    boolean ipv4() {
        return high == 0 && low >>> 32 == IPV4_PREFIX;
    }

    /** {@return whether it is a link-local IPv6 address} */
    boolean linkLocal() {
        return high >>> 48 == LINK_LOCAL;
    }

    /** {@return whether no address is set} */
    boolean empty() {
        return high == 0 && low == 0;
    }

    /** {@return how many leading bits it has in common with another} */
    int commonPrefix(Gid other) {
        int bits = Long.numberOfLeadingZeros(high ^ other.high);
        return bits < Long.SIZE ? bits : bits + Long.numberOfLeadingZeros(low ^ other.low);
    }

    /** {@return the sixteen bytes} */
    byte[] bytes() {
        return ByteBuffer.allocate(2 * Long.BYTES).putLong(high).putLong(low).array();
    }

    /**
     * {@return the IP address that a RoCE v2 address stands for}
     *
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} for one of InfiniBand
     */
    InetAddress ip() {
        if (kind == Kind.INFINIBAND) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "the GID of an InfiniBand port is no IP address, which rdma_cm connects by:"
                            + " leave rdma.connect at exchange");
        }
        try {
            return InetAddress.getByAddress(bytes());
        } catch (UnknownHostException e) {
            throw new AssertionError("sixteen bytes are an address", e);
        }
    }

    /** {@return the address as people write it} */
    String address() {
        try {
            return InetAddress.getByAddress(bytes()).getHostAddress();
        } catch (UnknownHostException e) {
            throw new AssertionError("sixteen bytes are an address", e);
        }
    }
}
