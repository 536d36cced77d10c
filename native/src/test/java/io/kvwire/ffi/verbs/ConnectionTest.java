package io.kvwire.ffi.verbs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Arrays;
import java.util.Optional;

/** Connecting through librdmacm on a device of this host; skipped where there is none. */
@Tag("rdma")
class ConnectionTest {
    private static final int TIMEOUT_MILLIS = 30_000;
    private static final byte[] SECRET = {3, 1, 4, 1, 5, 9, 2, 6};
    private static final int ACCESS = AccessFlags.LOCAL_WRITE | AccessFlags.REMOTE_WRITE;

    private final QueuePairSettings settings =
            new QueuePairSettings(0, 0, 0).reads(4, 4).timeout(12, 1).notReady(1, 1);

    private Arena arena;
    private Context context;
    private ProtectionDomain domain;
    private CompletionQueue queue;
    private QueuePair near;
    private QueuePair far;
    private ConnectionEvents nearEvents;
    private ConnectionEvents farEvents;
    private InetSocketAddress local;

    @BeforeEach
    void makeTwoQueuePairs() throws Exception {
        var devices = VerbsLibrary.devices();
        assumeTrue(
                !devices.isEmpty(),
                "no RDMA device: run transport-rdma/rig/rig test native " + getClass().getName());
        arena = Arena.ofShared();
        context = VerbsLibrary.open(devices.getFirst(), devices.getFirst().callMode());
        domain = context.allocateProtectionDomain();
        queue = context.createCompletionQueue(16);
        near = pair();
        far = pair();
        nearEvents = ConnectionEvents.open();
        farEvents = ConnectionEvents.open();
        var gid = ConnectedPair.addressOf(context).gid();
        local = new InetSocketAddress(InetAddress.getByName(gid.ipv4().orElseThrow()), 0);
    }

    private QueuePair pair() {
        var made =
                domain.createQueuePair(
                        queue, queue, Optional.empty(), new QueuePairCapacity(8, 8, 1, 1, 0));
        made.initialize(1, ACCESS);
        return made;
    }

    @AfterEach
    void closeEverything() {
        if (context != null) {
            nearEvents.close();
            farEvents.close();
            near.close();
            far.close();
            queue.close();
            domain.close();
            context.close();
            arena.close();
        }
    }

    private static ConnectionEvent await(ConnectionEvents events, ConnectionEvent.Type type) {
        var event = events.next(TIMEOUT_MILLIS).orElseThrow();
        assertEquals(type, event.type(), () -> "status " + event.status());
        return event;
    }

    private Connection resolved(int port) {
        var connection = Connection.create(nearEvents);
        connection.resolveAddress(
                local, new InetSocketAddress(local.getAddress(), port), TIMEOUT_MILLIS);
        assertTrue(await(nearEvents, ConnectionEvent.Type.ADDRESS_RESOLVED).concerns(connection));
        connection.resolveRoute(TIMEOUT_MILLIS);
        await(nearEvents, ConnectionEvent.Type.ROUTE_RESOLVED);
        return connection;
    }

    private Connection listening() {
        var listener = Connection.create(farEvents);
        listener.bind(local);
        listener.listen(4);
        return listener;
    }

    @Test
    void whatTheConnectingEndWritesArrives() {
        try (var listener = listening();
                var connection = resolved(listener.port())) {
            assertEquals(context.device().name(), connection.deviceName());
            connection.connect(near, settings, SECRET);
            var request = await(farEvents, ConnectionEvent.Type.CONNECT_REQUEST);
            assertArrayEquals(SECRET, Arrays.copyOf(request.privateData(), SECRET.length));
            try (var accepted = request.requested().orElseThrow()) {
                assertEquals(local.getAddress(), accepted.peer().getAddress());
                accepted.ready(far, settings);
                accepted.accept(far, settings);
                await(nearEvents, ConnectionEvent.Type.CONNECT_RESPONSE);
                connection.ready(near, settings);
                connection.establish();
                await(farEvents, ConnectionEvent.Type.ESTABLISHED);
                write();
                connection.disconnect();
                await(farEvents, ConnectionEvent.Type.DISCONNECTED);
            }
        }
    }

    private void write() {
        MemorySegment from = arena.allocate(4096, 4096);
        MemorySegment to = arena.allocate(4096, 4096);
        from.fill((byte) 7);
        try (var source = domain.register(from, 0);
                var target = domain.register(to, ACCESS)) {
            var requests = SendRequests.allocate(arena, 1, 1);
            requests.addWrite(1, SendRequests.SIGNALED, target.start(), target.remoteKey());
            requests.addSegment(source.start(), 4096, source.localKey());
            assertEquals(0, near.post(requests));
            var completions = Completions.allocate(arena, 1);
            while (queue.poll(completions) == 0) {
                Thread.onSpinWait();
            }
            assertEquals(0, completions.status(0));
        }
        assertEquals(-1, from.mismatch(to));
        assertEquals(7, to.get(JAVA_BYTE, 4095));
    }

    @Test
    void aRequestThatIsRejectedIsReportedSo() {
        try (var listener = listening();
                var connection = resolved(listener.port())) {
            connection.connect(near, settings, new byte[0]);
            var request = await(farEvents, ConnectionEvent.Type.CONNECT_REQUEST);
            try (var refused = request.requested().orElseThrow()) {
                refused.reject();
                await(nearEvents, ConnectionEvent.Type.REJECTED);
            }
        }
    }

    @Test
    void nothingHappensWhereNobodyListensButARefusal() {
        int port;
        try (var listener = listening()) {
            port = listener.port();
        }
        try (var connection = resolved(port)) {
            connection.connect(near, settings, new byte[0]);
            await(nearEvents, ConnectionEvent.Type.REJECTED);
        }
        assertTrue(nearEvents.next(0).isEmpty());
    }

    @Test
    void anAddressOfNoDeviceIsRefused() throws Exception {
        var elsewhere = new InetSocketAddress(InetAddress.getByName("192.0.2.1"), 0);
        try (var connection = Connection.create(nearEvents)) {
            assertThrows(TransferException.class, () -> connection.bind(elsewhere));
            assertEquals("", connection.deviceName());
        }
    }
}
