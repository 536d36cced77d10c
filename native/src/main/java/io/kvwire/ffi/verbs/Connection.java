package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetSocketAddress;

/**
 * One end of a connection that librdmacm makes, by IP addresses and ports.
 *
 * <p>The queue pair is one's own, made as any other and in state INIT; the connection tells its
 * number to the peer, and it is taken to RTR and RTS with what the peer told. What is asked for is
 * reported on the {@link ConnectionEvents} later.
 *
 * <p>The connecting end: {@link #resolveAddress}, {@link #resolveRoute}, {@link #connect}, and at
 * {@link ConnectionEvent.Type#CONNECT_RESPONSE} {@link #ready} and {@link #establish}. The other
 * end: {@link #bind}, {@link #listen}, and for each {@link ConnectionEvent.Type#CONNECT_REQUEST}
 * {@link #ready} and {@link #accept} on the connection that comes with it.
 *
 * <p>Confined to one thread at a time.
 */
public final class Connection implements AutoCloseable {

    /** The most bytes that can be sent along with a request. */
    public static final int PRIVATE_DATA_BYTES = 56;

    private static final int PORT_SPACE_TCP = 0x0106;

    private final ConnectionEvents events;
    private final MemorySegment address;
    private boolean closed;

    Connection(ConnectionEvents events, MemorySegment address) {
        this.events = events;
        this.address = address;
    }

    /**
     * Makes an end that is not connected.
     *
     * @param events where it reports
     * @return the end
     */
    public static Connection create(ConnectionEvents events) {
        try (var arena = Arena.ofConfined()) {
            var place = arena.allocate(ADDRESS);
            call(
                    "rdma_create_id",
                    "",
                    e ->
                            (int)
                                    Rdma.CREATE_ID.invokeExact(
                                            e,
                                            events.address(),
                                            place,
                                            MemorySegment.NULL,
                                            PORT_SPACE_TCP));
            return new Connection(events, place.get(ADDRESS, 0));
        }
    }

    /** {@return where it reports} */
    public ConnectionEvents events() {
        return events;
    }

    /**
     * Takes an address of this host, and thereby a device.
     *
     * @param local address, and port or 0 for any
     */
    public void bind(InetSocketAddress local) {
        try (var arena = Arena.ofConfined()) {
            var struct = SockaddrIn6.write(arena, local);
            call(
                    "rdma_bind_addr to " + local,
                    "The address must be that of a network interface with an RDMA device",
                    e -> (int) Rdma.BIND_ADDR.invokeExact(e, address, struct));
        }
    }

    /**
     * Waits for peers from now on.
     *
     * @param backlog requests that may wait
     */
    public void listen(int backlog) {
        call("rdma_listen", "", e -> (int) Rdma.LISTEN.invokeExact(e, address, backlog));
    }

    /** {@return the local port} */
    public int port() {
        try {
            var port = (short) Rdma.GET_SRC_PORT.invokeExact(address);
            return Short.toUnsignedInt(Short.reverseBytes(port));
        } catch (RuntimeException | Error e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("rdma_get_src_port throws nothing", e);
        }
    }

    /** {@return the address and port of the peer; a wildcard before there is one} */
    public InetSocketAddress peer() {
        var struct = CStruct.at(address, RdmaCmId.LAYOUT);
        return SockaddrIn6.read(struct.asSlice(RdmaCmId.DST, RdmaCmId.DST_BYTES));
    }

    /** {@return the name of the device it is bound to; empty before it is} */
    public String deviceName() {
        var context = CStruct.at(address, RdmaCmId.LAYOUT).get(ADDRESS, RdmaCmId.VERBS);
        if (context.equals(MemorySegment.NULL)) {
            return "";
        }
        var device = CStruct.at(context, IbvContext.LAYOUT).get(ADDRESS, IbvContext.DEVICE);
        return CStruct.at(device, IbvDevice.LAYOUT).getString(IbvDevice.NAME);
    }

    /**
     * Asks which device leads to a peer.
     *
     * @param local address to come from, with port 0
     * @param remote the peer's address and port
     * @param timeoutMillis how long it may take
     */
    public void resolveAddress(
            InetSocketAddress local, InetSocketAddress remote, int timeoutMillis) {
        try (var arena = Arena.ofConfined()) {
            var from = SockaddrIn6.write(arena, local);
            var to = SockaddrIn6.write(arena, remote);
            call(
                    "rdma_resolve_addr of " + remote + " from " + local,
                    "",
                    e -> (int) Rdma.RESOLVE_ADDR.invokeExact(e, address, from, to, timeoutMillis));
        }
    }

    /**
     * Asks for the way to the peer.
     *
     * @param timeoutMillis how long it may take
     */
    public void resolveRoute(int timeoutMillis) {
        call(
                "rdma_resolve_route",
                "",
                e -> (int) Rdma.RESOLVE_ROUTE.invokeExact(e, address, timeoutMillis));
    }

    /**
     * Asks the peer to connect.
     *
     * @param queuePair of the device that this is bound to
     * @param settings its retries and the reads under way
     * @param privateData for the peer, up to {@link #PRIVATE_DATA_BYTES}
     */
    public void connect(QueuePair queuePair, QueuePairSettings settings, byte[] privateData) {
        try (var arena = Arena.ofConfined()) {
            var parameters = parameters(arena, queuePair, settings, privateData);
            call(
                    "rdma_connect of queue pair " + queuePair.number(),
                    "",
                    e -> (int) Rdma.CONNECT.invokeExact(e, address, parameters));
        }
    }

    /**
     * Takes the queue pair from INIT to RTR and RTS with what the peer has told.
     *
     * @param queuePair the one that is being connected
     * @param settings timeout, retries and quality of service, and the local GID; the rest comes
     *     from the peer
     */
    public void ready(QueuePair queuePair, QueuePairSettings settings) {
        queuePair.readyToReceive(this, settings);
        queuePair.readyToSend(this, settings);
    }

    /**
     * Accepts the request that this came with.
     *
     * @param queuePair is {@link #ready}
     * @param settings the reads under way
     */
    public void accept(QueuePair queuePair, QueuePairSettings settings) {
        try (var arena = Arena.ofConfined()) {
            var parameters = parameters(arena, queuePair, settings, new byte[0]);
            call(
                    "rdma_accept with queue pair " + queuePair.number(),
                    "",
                    e -> (int) Rdma.ACCEPT.invokeExact(e, address, parameters));
        }
    }

    /** Tells the peer, who has accepted, that this end is ready. */
    public void establish() {
        call("rdma_establish", "", e -> (int) Rdma.ESTABLISH.invokeExact(e, address));
    }

    /** Refuses the request that this came with. */
    public void reject() {
        call(
                "rdma_reject",
                "",
                e -> (int) Rdma.REJECT.invokeExact(e, address, MemorySegment.NULL, (byte) 0));
    }

    /** Tells the peer that it is over; the queue pair is not touched. */
    public void disconnect() {
        call("rdma_disconnect", "", e -> (int) Rdma.DISCONNECT.invokeExact(e, address));
    }

    /** Fills a {@code struct ibv_qp_attr} for the state that it names; returns which fields. */
    int attributes(MemorySegment attributes) {
        try (var arena = Arena.ofConfined()) {
            var mask = arena.allocate(JAVA_INT);
            call(
                    "rdma_init_qp_attr",
                    "",
                    e -> (int) Rdma.INIT_QP_ATTR.invokeExact(e, address, attributes, mask));
            return mask.get(JAVA_INT, 0);
        }
    }

    private static MemorySegment parameters(
            Arena arena, QueuePair queuePair, QueuePairSettings settings, byte[] privateData) {
        if (privateData.length > PRIVATE_DATA_BYTES) {
            throw new IllegalArgumentException(
                    privateData.length + " bytes of private data: " + PRIVATE_DATA_BYTES + " fit");
        }
        var parameters = arena.allocate(RdmaConnParam.LAYOUT);
        settings.writeConnecting(parameters);
        parameters.set(JAVA_INT, RdmaConnParam.QP_NUM, queuePair.number());
        parameters.set(JAVA_BYTE, RdmaConnParam.SRQ, (byte) 1);
        parameters.set(
                ADDRESS,
                RdmaConnParam.PRIVATE_DATA,
                privateData.length == 0
                        ? MemorySegment.NULL
                        : arena.allocateFrom(JAVA_BYTE, privateData));
        parameters.set(JAVA_BYTE, RdmaConnParam.PRIVATE_DATA_LEN, (byte) privateData.length);
        return parameters;
    }

    private static void call(String what, String advice, Calls.IntCall call) {
        Calls.count(what, advice, call);
    }

    MemorySegment address() {
        return address;
    }

    /**
     * Destroys this end; the peer is told when it was connected. The queue pair stays. A second
     * call does nothing.
     */
    @Override
    public void close() {
        if (!closed) {
            closed = true;
            call("rdma_destroy_id", "", e -> (int) Rdma.DESTROY_ID.invokeExact(e, address));
        }
    }
}
