package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/** Something that happened to a {@link Connection}. Immutable. */
public final class ConnectionEvent {

    /** What can happen, in the order of {@code enum rdma_cm_event_type}. */
    public enum Type {
        /** The peer's address belongs to a device. */
        ADDRESS_RESOLVED,
        /** No device leads to the peer's address. */
        ADDRESS_ERROR,
        /** The way to the peer is known. */
        ROUTE_RESOLVED,
        /** There is no way to the peer. */
        ROUTE_ERROR,
        /** A peer wants to connect. */
        CONNECT_REQUEST,
        /** The peer has accepted; {@link Connection#establish} is due. */
        CONNECT_RESPONSE,
        /** Connecting failed. */
        CONNECT_ERROR,
        /** The peer does not answer. */
        UNREACHABLE,
        /** The peer does not want to. */
        REJECTED,
        /** Both sides are connected. */
        ESTABLISHED,
        /** One side has disconnected. */
        DISCONNECTED,
        /** The device is taken out. */
        DEVICE_REMOVAL,
        /** Of multicast. */
        MULTICAST_JOIN,
        /** Of multicast. */
        MULTICAST_ERROR,
        /** The address of the network interface has changed. */
        ADDRESS_CHANGE,
        /** The number of the queue pair may be used again. */
        TIMEWAIT_EXIT,
        /** Something that only newer systems know. */
        OTHER
    }

    private final Type type;
    private final int status;
    private final MemorySegment id;
    private final Optional<Connection> requested;
    private final byte[] privateData;

    private ConnectionEvent(
            Type type,
            int status,
            MemorySegment id,
            Optional<Connection> requested,
            byte[] privateData) {
        this.type = type;
        this.status = status;
        this.id = id;
        this.requested = requested;
        this.privateData = privateData;
    }

    /** Copies what is needed, since the struct is gone once the event is acknowledged. */
    static ConnectionEvent read(MemorySegment event, ConnectionEvents events) {
        int number = event.get(JAVA_INT, RdmaCmEvent.EVENT);
        var types = Type.values();
        var type = types[number >= 0 && number < types.length ? number : types.length - 1];
        var id = event.get(ADDRESS, RdmaCmEvent.ID);
        boolean request = type == Type.CONNECT_REQUEST;
        return new ConnectionEvent(
                type,
                event.get(JAVA_INT, RdmaCmEvent.STATUS),
                id,
                request ? Optional.of(new Connection(events, id)) : Optional.empty(),
                request ? privateData(event) : new byte[0]);
    }

    private static byte[] privateData(MemorySegment event) {
        long at = RdmaCmEvent.CONN;
        var data = event.get(ADDRESS, at + RdmaConnParam.PRIVATE_DATA);
        int bytes = Byte.toUnsignedInt(event.get(JAVA_BYTE, at + RdmaConnParam.PRIVATE_DATA_LEN));
        return data.equals(MemorySegment.NULL)
                ? new byte[0]
                : CStruct.at(data, MemoryLayout.sequenceLayout(bytes, JAVA_BYTE))
                        .toArray(JAVA_BYTE);
    }

    /** {@return what happened} */
    public Type type() {
        return type;
    }

    /** {@return 0, or the reason of a failure: an error number negated, or what the peer gave} */
    public int status() {
        return status;
    }

    /**
     * {@return whether it happened to a connection}
     *
     * @param connection which
     */
    public boolean concerns(Connection connection) {
        return id.equals(connection.address());
    }

    /**
     * {@return the new connection of a {@link Type#CONNECT_REQUEST}, to be accepted or rejected,
     * and closed; else empty}
     */
    public Optional<Connection> requested() {
        return requested;
    }

    /**
     * {@return what the peer sent along with a {@link Type#CONNECT_REQUEST}; a device may have
     * added zeroes}
     */
    public byte[] privateData() {
        return privateData.clone();
    }
}
