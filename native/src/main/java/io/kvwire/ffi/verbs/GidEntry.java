package io.kvwire.ffi.verbs;

/**
 * One line of a port's table of addresses.
 *
 * @param gid the address
 * @param index its index, which a queue pair names
 * @param port the port, from 1
 * @param type which packets it stands for
 * @param interfaceIndex the network interface below it, or 0
 */
public record GidEntry(Gid gid, int index, int port, Type type, int interfaceIndex) {

    /** Kinds of addresses. */
    public enum Type {
        /** InfiniBand. */
        INFINIBAND,
        /** RoCE without IP. */
        ROCE_V1,
        /** RoCE over UDP, which routers forward. */
        ROCE_V2
    }
}
