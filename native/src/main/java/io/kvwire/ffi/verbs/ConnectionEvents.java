package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;
import io.kvwire.ffi.FileDescriptor;
import io.kvwire.ffi.WakeUp;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * A channel of librdmacm, on which connections report what happens to them.
 *
 * <p>One thread may wait at a time. {@link #close} must come after the connections on it are
 * closed.
 */
public final class ConnectionEvents implements AutoCloseable {

    private final MemorySegment address;
    private final int descriptor;
    private boolean closed;

    private ConnectionEvents(MemorySegment address) {
        this.address = address;
        descriptor =
                CStruct.at(address, RdmaEventChannel.LAYOUT).get(JAVA_INT, RdmaEventChannel.FD);
        FileDescriptor.makeNonBlocking(descriptor);
    }

    /**
     * Opens a channel.
     *
     * @return the channel
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when librdmacm or the
     *     kernel's part of it is not there
     */
    public static ConnectionEvents open() {
        if (!ConnectionManager.isPresent()) {
            throw new TransferException(ErrorCode.PATH_UNAVAILABLE, ConnectionManager.reason());
        }
        return new ConnectionEvents(
                Calls.pointer(
                        "rdma_create_event_channel",
                        "Load the kernel's module rdma_ucm, and check that this user may read and"
                                + " write /dev/infiniband/rdma_cm",
                        e -> (MemorySegment) Rdma.CREATE_EVENT_CHANNEL.invokeExact(e)));
    }

    /**
     * {@return what next happened to a connection, if something did within a time}
     *
     * @param timeoutMillis how long to wait at most; 0 not at all
     */
    public Optional<ConnectionEvent> next(int timeoutMillis) {
        return FileDescriptor.awaitReadable(descriptor, timeoutMillis) ? take() : Optional.empty();
    }

    /**
     * {@return what next happened to a connection, if something did before somebody called}
     *
     * @param wakeUp ends the wait, too
     * @param timeoutMillis how long to wait at most; 0 not at all
     */
    public Optional<ConnectionEvent> next(WakeUp wakeUp, int timeoutMillis) {
        return FileDescriptor.awaitReadable(descriptor, wakeUp.descriptor(), timeoutMillis)
                ? take()
                : Optional.empty();
    }

    private Optional<ConnectionEvent> take() {
        try (var arena = Arena.ofConfined()) {
            var place = arena.allocate(ADDRESS);
            int result =
                    Calls.tryCount(
                            "rdma_get_cm_event",
                            e -> (int) Rdma.GET_CM_EVENT.invokeExact(e, address, place));
            if (result < 0) {
                return Optional.empty();
            }
            var pointer = place.get(ADDRESS, 0);
            var event = ConnectionEvent.read(CStruct.at(pointer, RdmaCmEvent.LAYOUT), this);
            // Until it is acknowledged, the connection it is about cannot be destroyed.
            Calls.count(
                    "rdma_ack_cm_event", "", e -> (int) Rdma.ACK_CM_EVENT.invokeExact(e, pointer));
            return Optional.of(event);
        }
    }

    MemorySegment address() {
        return address;
    }

    /** Closes the channel. A second call does nothing. */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            Calls.run(() -> {
                Rdma.DESTROY_EVENT_CHANNEL.invokeExact(address);
            });
        }
    }
}
