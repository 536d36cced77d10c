package com.ibm.net.rdma.jverbs.cm;

/** Something that happened to a connection. */
public final class ConnectionEvent {
    /** What can happen. */
    public enum EventType {
        RDMA_CM_EVENT_ADDR_RESOLVED,
        RDMA_CM_EVENT_ADDR_ERROR,
        RDMA_CM_EVENT_ROUTE_RESOLVED,
        RDMA_CM_EVENT_ROUTE_ERROR,
        RDMA_CM_EVENT_CONNECT_REQUEST,
        RDMA_CM_EVENT_CONNECT_RESPONSE,
        RDMA_CM_EVENT_CONNECT_ERROR,
        RDMA_CM_EVENT_UNREACHABLE,
        RDMA_CM_EVENT_REJECTED,
        RDMA_CM_EVENT_ESTABLISHED,
        RDMA_CM_EVENT_DISCONNECTED,
        RDMA_CM_EVENT_DEVICE_REMOVAL,
        RDMA_CM_EVENT_MULTICAST_JOIN,
        RDMA_CM_EVENT_MULTICAST_ERROR,
        RDMA_CM_EVENT_ADDR_CHANGE,
        RDMA_CM_EVENT_TIMEWAIT_EXIT
    }

    private final EventType type;
    private final ConnectionId id;

    ConnectionEvent(EventType type, ConnectionId id) {
        this.type = type;
        this.id = id;
    }

    public EventType getEventType() {
        return type;
    }

    public ConnectionId getConnectionId() {
        return id;
    }
}
