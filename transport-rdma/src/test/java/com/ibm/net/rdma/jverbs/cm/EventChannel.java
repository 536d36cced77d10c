package com.ibm.net.rdma.jverbs.cm;

import com.ibm.net.rdma.jverbs.cm.ConnectionEvent.EventType;

import io.kvwire.ffi.verbs.Connection;
import io.kvwire.ffi.verbs.ConnectionEvents;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** Where connections report. */
public final class EventChannel {
    private final ConnectionEvents events;
    private final List<ConnectionId> ids = new CopyOnWriteArrayList<>();
    private int unacknowledged;

    private EventChannel(ConnectionEvents events) {
        this.events = events;
    }

    public static EventChannel createEventChannel() throws IOException {
        try {
            return new EventChannel(ConnectionEvents.open());
        } catch (TransferException e) {
            throw new IOException(e);
        }
    }

    Connection newConnection() {
        return Connection.create(events);
    }

    void add(ConnectionId id) {
        ids.add(id);
    }

    void remove(ConnectionId id) {
        ids.remove(id);
    }

    /** {@return the next event, or null when there is none in time} */
    public ConnectionEvent getConnectionEvent(int timeoutMillis) throws IOException {
        try {
            var found = events.next(timeoutMillis);
            if (found.isEmpty()) {
                return null;
            }
            unacknowledged++;
            var event = found.get();
            if (event.requested().isPresent()) {
                var requested = new ConnectionId(this, event.requested().get());
                return new ConnectionEvent(EventType.RDMA_CM_EVENT_CONNECT_REQUEST, requested);
            }
            var id = ids.stream().filter(each -> each.isOf(event)).findFirst().orElseThrow();
            return switch (event.type()) {
                case CONNECT_RESPONSE -> {
                    id.established();
                    yield new ConnectionEvent(EventType.RDMA_CM_EVENT_ESTABLISHED, id);
                }
                case ADDRESS_RESOLVED ->
                        new ConnectionEvent(EventType.RDMA_CM_EVENT_ADDR_RESOLVED, id);
                case ROUTE_RESOLVED ->
                        new ConnectionEvent(EventType.RDMA_CM_EVENT_ROUTE_RESOLVED, id);
                case ESTABLISHED -> new ConnectionEvent(EventType.RDMA_CM_EVENT_ESTABLISHED, id);
                case DISCONNECTED -> new ConnectionEvent(EventType.RDMA_CM_EVENT_DISCONNECTED, id);
                case REJECTED -> new ConnectionEvent(EventType.RDMA_CM_EVENT_REJECTED, id);
                default -> new ConnectionEvent(EventType.RDMA_CM_EVENT_CONNECT_ERROR, id);
            };
        } catch (TransferException e) {
            throw new IOException(e);
        }
    }

    public void ackConnectionEvent(ConnectionEvent event) throws IOException {
        if (event == null || unacknowledged == 0) {
            throw new IOException("no event to acknowledge");
        }
        unacknowledged--;
    }

    public void destroyEventChannel() throws IOException {
        if (unacknowledged > 0 || !ids.isEmpty()) {
            throw new IOException(
                    unacknowledged + " events and " + ids.size() + " identifiers are left");
        }
        events.close();
    }
}
