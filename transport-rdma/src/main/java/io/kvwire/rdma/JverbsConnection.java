package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/**
 * The way of one queue pair of {@link JverbsVerbs} to its peer. One thread connects; any other may
 * close meanwhile, which ends the attempt.
 *
 * <p>jVerbs sends no private data, so there is no secret to show: a listener takes one connection,
 * from the address that the peer has told over the control channel, and no other.
 */
final class JverbsConnection implements AutoCloseable {
    private static final int BACKLOG = 4;
    private static final int SLICE_MILLIS = 50;
    private static final int RESOLVE_MILLIS = 5000;
    private static final int FIRST_PORT = 32768;
    private static final int LAST_PORT = 60999;
    private static final int PORT_TRIES = 64;
    private static final String REQUEST = "RDMA_CM_EVENT_CONNECT_REQUEST";
    private static final String ESTABLISHED = "RDMA_CM_EVENT_ESTABLISHED";

    private final JverbsApi api;
    private final Object parameter;
    private final Object channel;
    private final List<Object> ids = new ArrayList<>();
    private volatile boolean stopped;

    /** What has happened to an identifier. */
    private record Event(String type, Object id) {}

    JverbsConnection(JverbsApi api, QueueSpec spec) {
        this.api = api;
        parameter =
                api.connectionParameter.with(
                        spec.atomics(), spec.atomics(), spec.retries(), spec.notReadyRetries());
        channel = api.createEventChannel.with();
    }

    /** Waits for the peer from now on; returns the port. */
    synchronized int listen(InetAddress address) {
        var ports = ThreadLocalRandom.current().ints(PORT_TRIES, FIRST_PORT, LAST_PORT + 1);
        TransferException last = null;
        for (var port : (Iterable<Integer>) ports::iterator) {
            Object listener = api.createId.with(channel, api.portSpaceTcp);
            try {
                api.bindAddress.with(listener, new InetSocketAddress(address, port));
                api.listen.with(listener, BACKLOG);
                ids.add(listener);
                return port;
            } catch (TransferException taken) {
                api.destroyId.with(listener);
                last = taken;
            }
        }
        throw new TransferException(
                ErrorCode.RESOURCE_EXHAUSTED,
                "no port to listen at on " + address.getHostAddress(),
                last);
    }

    /**
     * Takes the peer.
     *
     * @param prepare makes the queue pair on the identifier of the connection
     */
    synchronized Object accept(InetAddress peer, Consumer<Object> prepare, long deadlineNanos) {
        while (true) {
            var event = next(deadlineNanos);
            if (!event.type.equals(REQUEST)) {
                throw unexpected(event, REQUEST);
            }
            if (from(event.id).equals(peer)) {
                ids.add(event.id);
                prepare.accept(event.id);
                api.accept.with(event.id, parameter);
                require(next(deadlineNanos), ESTABLISHED);
                return event.id;
            }
            api.destroyId.with(event.id);
        }
    }

    private InetAddress from(Object id) {
        return ((InetSocketAddress) api.getDestinationAddress.with(id)).getAddress();
    }

    /** Goes to the peer, which listens. */
    synchronized Object connect(
            InetSocketAddress local,
            InetSocketAddress remote,
            Consumer<Object> prepare,
            long deadlineNanos) {
        Object id = api.createId.with(channel, api.portSpaceTcp);
        ids.add(id);
        api.resolveAddress.with(id, local, remote, RESOLVE_MILLIS);
        require(next(deadlineNanos), "RDMA_CM_EVENT_ADDR_RESOLVED");
        api.resolveRoute.with(id, RESOLVE_MILLIS);
        require(next(deadlineNanos), "RDMA_CM_EVENT_ROUTE_RESOLVED");
        prepare.accept(id);
        api.connect.with(id, parameter);
        require(next(deadlineNanos), ESTABLISHED);
        return id;
    }

    private Event next(long deadlineNanos) {
        while (!stopped) {
            Object event = api.getConnectionEvent.with(channel, SLICE_MILLIS);
            if (event != null) {
                var type = ((Enum<?>) api.getEventType.with(event)).name();
                var id = api.getConnectionId.with(event);
                api.ackConnectionEvent.with(channel, event);
                return new Event(type, id);
            }
            if (deadlineNanos - System.nanoTime() <= 0) {
                throw new TransferException(
                        ErrorCode.UNREACHABLE, "rdma_cm has not connected a queue pair in time");
            }
        }
        throw new TransferException(ErrorCode.CLOSED, "the lane was closed while it connected");
    }

    private static void require(Event event, String type) {
        if (!event.type.equals(type)) {
            throw unexpected(event, type);
        }
    }

    private static TransferException unexpected(Event event, String due) {
        return new TransferException(
                ErrorCode.UNREACHABLE, "jVerbs says " + event.type + " where " + due + " was due");
    }

    /** Destroys all identifiers; the queue pair was destroyed before. */
    @Override
    public void close() {
        synchronized (this) {
            ids.forEach(id -> api.destroyId.with(id));
            ids.clear();
            api.destroyEventChannel.with(channel);
        }
    }

    /** Ends an attempt that is under way, and waits for that. */
    void stop() {
        stopped = true;
        synchronized (this) {
            // Whoever connects has it until it is over.
        }
    }
}
