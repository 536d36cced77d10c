package io.kvwire.harness.perf;

import com.sun.management.OperatingSystemMXBean;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** The serving end of a measurement: registers what a client asks for, within a bound on memory. */
final class PerfServer implements AutoCloseable {
    /** The most blocks of a working set: their table must fit into one notification. */
    static final int MAX_BLOCKS = 100_000;

    private static final Logger LOG = LoggerFactory.getLogger(PerfServer.class);
    private static final int NOTIFICATION_BYTES = 2 << 20;
    private static final OperatingSystemMXBean PROCESS =
            (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private final long maxBytes;
    private final boolean privateMemory;
    private final TransferNode node;
    private final Map<Peer, Seat> seats = new ConcurrentHashMap<>();
    private final AtomicInteger caches = new AtomicInteger();
    private final ExecutorService work =
            Executors.newSingleThreadExecutor(Thread.ofPlatform().name("kvwire-perf").factory());

    /** What one client has set up. */
    private static final class Seat {
        private PerfMemory memory;
        private PerfCase point;
        private long cpuAtStart;

        void clear() {
            if (memory != null) {
                memory.close();
                memory = null;
            }
        }
    }

    private PerfServer(NodeConfig config, long maxBytes, boolean privateMemory) {
        this.maxBytes = maxBytes;
        this.privateMemory = privateMemory;
        node = TransferNode.start(config.withListener(new Clients()));
    }

    static PerfServer start(NodeConfig config, long maxBytes, boolean privateMemory) {
        return new PerfServer(config, maxBytes, privateMemory);
    }

    /** The limits that both ends of a measurement use. */
    static Limits limits() {
        var standard = Limits.DEFAULT;
        return new Limits(
                standard.maxPeers(),
                standard.maxRegions(),
                standard.maxControlBytes(),
                standard.maxFramePayloadBytes(),
                NOTIFICATION_BYTES,
                standard.maxTransfersPerPeer(),
                standard.maxQueuedTransfers(),
                standard.windowBytes(),
                standard.handshakeTimeout(),
                standard.heartbeatInterval(),
                standard.peerTimeout());
    }

    static long cpuNanos() {
        return PROCESS.getProcessCpuTime();
    }

    TransferNode node() {
        return node;
    }

    private final class Clients implements NodeListener {
        @Override
        public void notified(Peer peer, byte[] payload) {
            if (PerfMessage.isPing(payload)) {
                peer.notify(payload);
                return;
            }
            work.execute(() -> answer(peer, payload));
        }

        @Override
        public void disconnected(Peer peer, TransferException reason) {
            if (!work.isShutdown()) {
                work.execute(() -> leave(peer));
            }
        }
    }

    private void leave(Peer peer) {
        var seat = seats.remove(peer);
        if (seat != null) {
            seat.clear();
        }
    }

    private void answer(Peer peer, byte[] payload) {
        try {
            var ask = PerfMessage.decode(payload);
            var seat = seats.computeIfAbsent(peer, key -> new Seat());
            switch (ask.type()) {
                case SETUP -> peer.notify(setup(peer, seat, ask.point()).encode());
                case START -> {
                    if (seat.point.op() == PerfOp.WRITE) {
                        seat.memory.poison();
                    }
                    seat.cpuAtStart = cpuNanos();
                    peer.notify(PerfMessage.of(PerfMessage.Type.STARTED).encode());
                }
                case FINISH -> {
                    long cpu = cpuNanos() - seat.cpuAtStart;
                    boolean right =
                            seat.point.op() != PerfOp.WRITE || seat.memory.verify(ask.places());
                    peer.notify(PerfMessage.result(cpu, right).encode());
                }
                case TEARDOWN -> seat.clear();
                default ->
                        throw new TransferException(
                                ErrorCode.MALFORMED, "a client does not say " + ask.type());
            }
        } catch (RuntimeException e) {
            LOG.debug("a request of {} failed", peer.name(), e);
            tell(peer, e);
        }
    }

    private static void tell(Peer peer, RuntimeException failure) {
        try {
            peer.notify(PerfMessage.failed(failure.getMessage()).encode());
        } catch (TransferException e) {
            LOG.debug("{} is gone", peer.name(), e);
        }
    }

    private PerfMessage setup(Peer peer, Seat seat, PerfCase point) {
        seat.clear();
        if (point.workingSetBytes() > maxBytes) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "the server gives at most %s (--max-bytes), not %s"
                            .formatted(
                                    ByteSize.show(maxBytes),
                                    ByteSize.show(point.workingSetBytes())));
        }
        seat.point = point;
        var name = "perf-" + caches.incrementAndGet();
        boolean source = point.op() == PerfOp.READ;
        seat.memory =
                new PerfMemory(
                        node,
                        name,
                        point,
                        source ? Access.REMOTE_READ : Access.REMOTE_WRITE,
                        PerfMemory.arena(peer.path(), privateMemory));
        if (source) {
            seat.memory.fill();
        }
        BlockTable table = seat.memory.cache().table(point.order(source));
        return PerfMessage.ready(name, table.encode());
    }

    @Override
    public void close() {
        node.close();
        // Waits for clients that are just being seen off, or their memory would be freed twice.
        work.close();
        seats.values().forEach(Seat::clear);
    }
}
