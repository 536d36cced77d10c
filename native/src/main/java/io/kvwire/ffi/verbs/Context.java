package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.kvwire.ffi.CStruct;
import io.kvwire.ffi.Errno;
import io.kvwire.ffi.FileDescriptor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * An open device.
 *
 * <p>Thread-safe, except that {@link #close} must come after everything made from it is closed.
 */
public final class Context implements AutoCloseable {

    private static final int MAX_PORT = 255;
    private static final int LINK_LAYER_ETHERNET = 2;

    private final Device device;
    private final MemorySegment address;
    private final Operations operations;
    private final int asyncDescriptor;
    private final int vectors;
    private boolean closed;

    Context(Device device, MemorySegment address, Operations operations) {
        this.device = device;
        this.address = address;
        this.operations = operations;
        var struct = CStruct.at(address, IbvContext.LAYOUT);
        asyncDescriptor = struct.get(JAVA_INT, IbvContext.ASYNC_FD);
        vectors = struct.get(JAVA_INT, IbvContext.NUM_COMP_VECTORS);
        FileDescriptor.makeNonBlocking(asyncDescriptor);
    }

    /** {@return the device} */
    public Device device() {
        return device;
    }

    /**
     * {@return how many completion vectors, mostly interrupts, completion queues can be spread
     * over}
     */
    public int completionVectors() {
        return vectors;
    }

    /** {@return what the device can do} */
    public DeviceAttributes attributes() {
        try (var arena = Arena.ofConfined()) {
            var a = arena.allocate(IbvDeviceAttr.LAYOUT);
            Calls.status(
                    "ibv_query_device of " + device.name(),
                    "",
                    () -> (int) Ibv.QUERY_DEVICE.invokeExact(address, a));
            var limits =
                    new DeviceLimits(
                            a.get(JAVA_LONG, IbvDeviceAttr.MAX_MR_SIZE),
                            a.get(JAVA_INT, IbvDeviceAttr.MAX_MR),
                            a.get(JAVA_INT, IbvDeviceAttr.MAX_QP),
                            a.get(JAVA_INT, IbvDeviceAttr.MAX_QP_WR),
                            a.get(JAVA_INT, IbvDeviceAttr.MAX_SGE),
                            a.get(JAVA_INT, IbvDeviceAttr.MAX_SGE_RD),
                            a.get(JAVA_INT, IbvDeviceAttr.MAX_CQE),
                            a.get(JAVA_INT, IbvDeviceAttr.MAX_QP_RD_ATOM),
                            a.get(JAVA_INT, IbvDeviceAttr.MAX_QP_INIT_RD_ATOM),
                            a.get(JAVA_INT, IbvDeviceAttr.MAX_SRQ_WR),
                            a.get(JAVA_INT, IbvDeviceAttr.MAX_SRQ_SGE),
                            a.get(JAVA_INT, IbvDeviceAttr.MAX_MW));
            return new DeviceAttributes(
                    a.getString(IbvDeviceAttr.FW_VER),
                    a.get(JAVA_INT, IbvDeviceAttr.VENDOR_ID),
                    a.get(JAVA_INT, IbvDeviceAttr.VENDOR_PART_ID),
                    Byte.toUnsignedInt(a.get(JAVA_BYTE, IbvDeviceAttr.PHYS_PORT_CNT)),
                    a.get(JAVA_INT, IbvDeviceAttr.DEVICE_CAP_FLAGS),
                    limits);
        }
    }

    /**
     * {@return the state of a port}
     *
     * @param port its number, from 1
     */
    public PortAttributes port(int port) {
        checkPort(port);
        try (var arena = Arena.ofConfined()) {
            // Zeroed, since the function that is exported fills only what the struct once was.
            var a = arena.allocate(IbvPortAttr.LAYOUT);
            Calls.status(
                    "ibv_query_port " + port + " of " + device.name(),
                    "Ports count from 1",
                    () -> (int) Ibv.QUERY_PORT.invokeExact(address, (byte) port, a));
            int state = a.get(JAVA_INT, IbvPortAttr.STATE);
            var states = PortAttributes.State.values();
            return new PortAttributes(
                    port,
                    state >= 0 && state < states.length ? states[state] : states[0],
                    Mtu.bytes(a.get(JAVA_INT, IbvPortAttr.ACTIVE_MTU)),
                    Mtu.bytes(a.get(JAVA_INT, IbvPortAttr.MAX_MTU)),
                    a.get(JAVA_INT, IbvPortAttr.GID_TBL_LEN),
                    a.get(JAVA_INT, IbvPortAttr.MAX_MSG_SZ),
                    Short.toUnsignedInt(a.get(JAVA_SHORT, IbvPortAttr.LID)),
                    a.get(JAVA_BYTE, IbvPortAttr.LINK_LAYER) == LINK_LAYER_ETHERNET,
                    LinkSpeed.mbps(
                            a.get(JAVA_BYTE, IbvPortAttr.ACTIVE_SPEED),
                            a.get(JAVA_BYTE, IbvPortAttr.ACTIVE_WIDTH)));
        }
    }

    /**
     * {@return the addresses of all ports that are in use, in the order of the tables}
     *
     * @throws io.kvwire.transport.TransferException when libibverbs is older than 1.11 (rdma-core
     *     32)
     */
    public List<GidEntry> addresses() {
        var query =
                Ibv.QUERY_GID_TABLE.orElseThrow(() ->
                        Errno.failure(
                                "_ibv_query_gid_table",
                                Errno.ENOSYS,
                                "Install rdma-core 32 or newer"));
        int ports = attributes().ports();
        long capacity = 0;
        for (int port = 1; port <= ports; port++) {
            capacity += port(port).addresses();
        }
        long size = IbvGidEntry.LAYOUT.byteSize();
        try (var arena = Arena.ofConfined()) {
            var table = arena.allocate(IbvGidEntry.LAYOUT, Math.max(capacity, 1));
            long most = Math.max(capacity, 1);
            long found =
                    Calls.countOrNegative(
                            "ibv_query_gid_table of " + device.name(),
                            () -> (long) query.invokeExact(address, table, most, 0, size));
            var entries = new ArrayList<GidEntry>();
            for (long i = 0; i < found; i++) {
                entries.add(entry(table.asSlice(i * size, size)));
            }
            return entries;
        }
    }

    private static GidEntry entry(MemorySegment e) {
        var types = GidEntry.Type.values();
        int type = e.get(JAVA_INT, IbvGidEntry.GID_TYPE);
        return new GidEntry(
                Gid.read(e, IbvGidEntry.GID),
                e.get(JAVA_INT, IbvGidEntry.GID_INDEX),
                e.get(JAVA_INT, IbvGidEntry.PORT_NUM),
                types[Math.clamp(type, 0, types.length - 1)],
                e.get(JAVA_INT, IbvGidEntry.NDEV_IFINDEX));
    }

    /** {@return a new protection domain} */
    public ProtectionDomain allocateProtectionDomain() {
        var domain =
                Calls.pointer(
                        "ibv_alloc_pd on " + device.name(),
                        "",
                        e -> (MemorySegment) Ibv.ALLOC_PD.invokeExact(e, address));
        return new ProtectionDomain(this, domain);
    }

    /** {@return a new completion channel} */
    public CompletionChannel createCompletionChannel() {
        var channel =
                Calls.pointer(
                        "ibv_create_comp_channel on " + device.name(),
                        "Check the limit of open files (ulimit -n)",
                        e -> (MemorySegment) Ibv.CREATE_COMP_CHANNEL.invokeExact(e, address));
        return new CompletionChannel(channel);
    }

    /**
     * Makes a completion queue that is only polled.
     *
     * @param entries completions that it must hold; more overrun it, which breaks every queue pair
     *     on it
     * @return the queue
     */
    public CompletionQueue createCompletionQueue(int entries) {
        return createCompletionQueue(entries, MemorySegment.NULL, 0);
    }

    /**
     * Makes a completion queue that can also be waited for.
     *
     * @param entries completions that it must hold; more overrun it, which breaks every queue pair
     *     on it
     * @param channel of this context; who waits there is woken
     * @param vector which of the {@link #completionVectors} wakes
     * @return the queue
     */
    public CompletionQueue createCompletionQueue(
            int entries, CompletionChannel channel, int vector) {
        return createCompletionQueue(entries, channel.address(), vector);
    }

    private CompletionQueue createCompletionQueue(int entries, MemorySegment channel, int vector) {
        var queue =
                Calls.pointer(
                        "ibv_create_cq of " + entries + " entries on " + device.name(),
                        "Ask for fewer entries; the device holds at most "
                                + attributes().limits().queueEntries(),
                        e ->
                                (MemorySegment)
                                        Ibv.CREATE_CQ.invokeExact(
                                                e,
                                                address,
                                                entries,
                                                MemorySegment.NULL,
                                                channel,
                                                vector));
        return new CompletionQueue(operations, queue);
    }

    /** {@return the descriptor that is readable when {@link #nextEvent} has something} */
    public int eventDescriptor() {
        return asyncDescriptor;
    }

    /**
     * {@return what next happened to the device or to one of its objects, if something did within a
     * time}
     *
     * @param timeoutMillis how long to wait at most; 0 not at all
     */
    public Optional<AsyncEvent> nextEvent(int timeoutMillis) {
        if (!FileDescriptor.awaitReadable(asyncDescriptor, timeoutMillis)) {
            return Optional.empty();
        }
        try (var arena = Arena.ofConfined()) {
            var event = arena.allocate(IbvAsyncEvent.LAYOUT);
            int result =
                    Calls.tryCount(
                            "ibv_get_async_event of " + device.name(),
                            e -> (int) Ibv.GET_ASYNC_EVENT.invokeExact(e, address, event));
            if (result < 0) {
                return Optional.empty();
            }
            var type = AsyncEvent.Type.of(event.get(JAVA_INT, IbvAsyncEvent.EVENT_TYPE));
            int element =
                    switch (type.element()) {
                        case QUEUE_PAIR ->
                                CStruct.at(event.get(ADDRESS, IbvAsyncEvent.ELEMENT), IbvQp.LAYOUT)
                                        .get(JAVA_INT, IbvQp.QP_NUM);
                        case PORT -> event.get(JAVA_INT, IbvAsyncEvent.ELEMENT);
                        case OTHER -> 0;
                    };
            // Until an event is acknowledged, the object it is about cannot be destroyed.
            Calls.run(() -> {
                Ibv.ACK_ASYNC_EVENT.invokeExact(event);
            });
            return Optional.of(new AsyncEvent(type, element));
        }
    }

    Operations operations() {
        return operations;
    }

    MemorySegment address() {
        return address;
    }

    private static void checkPort(int port) {
        if (port < 1 || port > MAX_PORT) {
            throw new IllegalArgumentException("port " + port + ": ports count from 1 to 255");
        }
    }

    /**
     * Closes the device. A second call does nothing.
     *
     * @throws io.kvwire.transport.TransferException when the library refuses
     */
    @Override
    public void close() {
        if (!closed) {
            Calls.count(
                    "ibv_close_device of " + device.name(),
                    "Close everything made from it first",
                    e -> (int) Ibv.CLOSE_DEVICE.invokeExact(e, address));
            closed = true;
        }
    }
}
