package io.kvwire.rdma;

import io.kvwire.ffi.WakeUp;
import io.kvwire.ffi.verbs.Connection;
import io.kvwire.ffi.verbs.ConnectionEvent;
import io.kvwire.ffi.verbs.ConnectionEvents;
import io.kvwire.ffi.verbs.QueuePairSettings;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.net.InetSocketAddress;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/**
 * The way of one queue pair to its peer through librdmacm. One thread connects; any other may close
 * meanwhile, which ends the attempt.
 */
final class ManagedConnection implements AutoCloseable {
    private static final int BACKLOG = 4;

    private final io.kvwire.ffi.verbs.QueuePair pair;
    private final QueuePairSettings settings;
    private final ConnectionEvents events;
    private final WakeUp wakeUp;
    private final Connection local;
    private volatile boolean stopped;
    private Connection accepted;

    ManagedConnection(io.kvwire.ffi.verbs.QueuePair pair, QueuePairSettings settings) {
        this.pair = pair;
        this.settings = settings;
        events = ConnectionEvents.open();
        try {
            wakeUp = new WakeUp();
            local = Connection.create(events);
        } catch (TransferException e) {
            events.close();
            throw e;
        }
    }

    /** Waits for the peer from now on; returns the port. */
    synchronized int listen(InetSocketAddress address) {
        local.bind(address);
        local.listen(BACKLOG);
        return local.port();
    }

    /** Takes the peer that comes with the secret. */
    synchronized void accept(byte[] secret, long deadlineNanos) {
        while (true) {
            var event = next(deadlineNanos);
            if (event.requested().isPresent()) {
                requested(event.requested().get(), event.privateData(), secret);
            } else if (accepted != null && event.concerns(accepted)) {
                require(event, ConnectionEvent.Type.ESTABLISHED);
                return;
            }
        }
    }

    private void requested(Connection request, byte[] data, byte[] secret) {
        boolean known =
                data.length >= secret.length
                        && MessageDigest.isEqual(Arrays.copyOf(data, secret.length), secret);
        if (accepted != null || !known) {
            try (request) {
                request.reject();
            }
            return;
        }
        accepted = request;
        request.ready(pair, settings);
        request.accept(pair, settings);
    }

    /** Goes to the peer, which listens. */
    synchronized void connect(
            InetSocketAddress from, InetSocketAddress to, byte[] secret, long deadlineNanos) {
        local.resolveAddress(from, to, millisUntil(deadlineNanos));
        require(next(deadlineNanos), ConnectionEvent.Type.ADDRESS_RESOLVED);
        local.resolveRoute(millisUntil(deadlineNanos));
        require(next(deadlineNanos), ConnectionEvent.Type.ROUTE_RESOLVED);
        local.connect(pair, settings, secret);
        require(next(deadlineNanos), ConnectionEvent.Type.CONNECT_RESPONSE);
        local.ready(pair, settings);
        local.establish();
    }

    private ConnectionEvent next(long deadlineNanos) {
        while (!stopped) {
            int millis = millisUntil(deadlineNanos);
            var event = events.next(wakeUp, millis);
            if (event.isPresent()) {
                return event.get();
            }
            if (deadlineNanos - System.nanoTime() <= 0) {
                throw new TransferException(
                        ErrorCode.UNREACHABLE, "rdma_cm has not connected a queue pair in time");
            }
        }
        throw new TransferException(ErrorCode.CLOSED, "the lane was closed while it connected");
    }

    private static int millisUntil(long deadlineNanos) {
        long millis = TimeUnit.NANOSECONDS.toMillis(deadlineNanos - System.nanoTime());
        return Math.clamp(millis, 1, Integer.MAX_VALUE);
    }

    private static void require(ConnectionEvent event, ConnectionEvent.Type type) {
        if (event.type() != type) {
            throw new TransferException(
                    ErrorCode.UNREACHABLE,
                    "rdma_cm says "
                            + event.type()
                            + " (status "
                            + event.status()
                            + ") where "
                            + type
                            + " was due: check that both hosts have the addresses that the path"
                            + " report names, or leave rdma.connect at exchange");
        }
    }

    @Override
    public void close() {
        stopped = true;
        wakeUp.wake();
        synchronized (this) {
            if (accepted != null) {
                accepted.close();
            }
            local.close();
            events.close();
            wakeUp.close();
        }
    }
}
