package io.kvwire.transport.core;

import io.kvwire.transport.Access;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.Region;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.RemoteRegion;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.spi.ControlAcceptor;
import io.kvwire.transport.spi.ControlChannel;
import io.kvwire.transport.spi.ControlChannelProvider;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.Wires;

import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Supplier;
import java.util.logging.Level;
import java.util.logging.Logger;

/**
 * A node that nothing but the test talks to: it hears the messages that the test says it hears, and
 * what it sends goes nowhere. Frames stay with the wire until their link is closed, so that reads
 * stay under way. It has a cache and a region for peers to read and write.
 */
final class LoneNode implements AutoCloseable {
    static final KvLayout LAYOUT =
            KvLayout.builder()
                    .layers(2)
                    .kvHeads(2)
                    .headDim(8)
                    .tokensPerBlock(4)
                    .dtype(DType.FP16)
                    .order(KvOrder.HND)
                    .form(KvForm.FUSED)
                    .build();

    static final int BLOCKS = 8;
    private static final int REGION_BYTES = 4096;
    private static final String PATH = "nowhere";

    /** Told of errors alone: tests have thousands of sessions, and the log tells of each. */
    private static final Logger LOG = Logger.getLogger("io.kvwire.transport");

    private final Arena arena = Arena.ofShared();
    private final CompletableFuture<ControlAcceptor> acceptor = new CompletableFuture<>();
    private final TransferNode node;
    private final KvCache cache;
    private final Region region;
    private volatile Supplier<CompletableFuture<DataLink>> laneMaker = LoneNode::lanesAtOnce;

    LoneNode() {
        LOG.setLevel(Level.SEVERE);
        node =
                LocalNode.start(
                        NodeConfig.named("decode"),
                        new Wires(List.of(new Nowhere()), List.of(new Scripted()), List.of()));
        var placement =
                Collections.nCopies(
                        LAYOUT.layers(),
                        LayerPlacement.dense(
                                LAYOUT, arena.allocate(BLOCKS * LAYOUT.blockBytes(), 64), BLOCKS));
        cache = node.register("kv", LAYOUT, placement, BLOCKS, Access.REMOTE_READ_WRITE);
        region = node.register(arena.allocate(REGION_BYTES), Access.REMOTE_READ_WRITE);
    }

    TransferNode node() {
        return node;
    }

    KvCache cache() {
        return cache;
    }

    Region region() {
        return region;
    }

    @Override
    public void close() {
        node.close();
        arena.close();
        LOG.setLevel(null);
    }

    /** A peer has said hello, and its lanes are up. */
    Meeting meet() {
        var meeting = new Meeting(acceptor.join());
        meeting.session.received(hello());
        if (!meeting.session.connected()) {
            throw new AssertionError("nobody met: " + meeting.ended());
        }
        return meeting;
    }

    /**
     * A peer has said hello and all of this, in order, before its lanes are up; then they are.
     *
     * @param messages what it says
     */
    Meeting meetAfter(List<ByteBuffer> messages) {
        var meeting = new Meeting(acceptor.join());
        var lanes = new CompletableFuture<DataLink>();
        laneMaker = () -> lanes;
        try {
            meeting.session.received(hello());
        } finally {
            laneMaker = LoneNode::lanesAtOnce;
        }
        messages.forEach(meeting.session::received);
        if (meeting.session.connected()) {
            throw new AssertionError("met without lanes");
        }
        lanes.complete(new Held());
        return meeting;
    }

    private static CompletableFuture<DataLink> lanesAtOnce() {
        return CompletableFuture.completedFuture(new Held());
    }

    private static ByteBuffer hello() {
        return hello(ControlMessages.HELLO);
    }

    /** What the peers of this node say first, as a message of this type. */
    static ByteBuffer hello(int type) {
        return new Hello(
                        "prefill",
                        11,
                        Hello.Bounds.of(Limits.DEFAULT),
                        1,
                        "",
                        List.of(new Hello.Offer(PATH, new byte[0])),
                        List.of(),
                        "",
                        new byte[0],
                        Hello.Codecs.of(CodecConfig.RAW),
                        List.of(new RemoteCache(1, "kv", LAYOUT, 64, Access.REMOTE_READ, 11)),
                        List.of(new RemoteRegion(2, 21, 4096, Access.REMOTE_READ_WRITE)))
                .encode(type);
    }

    /** One connection of a peer, seen from the node. */
    static final class Meeting implements ControlLink {
        final Session session;
        private Optional<TransferException> ended = Optional.empty();

        private Meeting(ControlAcceptor acceptor) {
            session = (Session) acceptor.accepted(this);
        }

        /** Why the node has closed the connection, or empty while it has not. */
        synchronized Optional<TransferException> ended() {
            return ended;
        }

        @Override
        public String remoteHost() {
            return "127.0.0.1";
        }

        @Override
        public String remoteIdentity() {
            return "";
        }

        @Override
        public boolean send(ByteBuffer message) {
            return ended().isEmpty();
        }

        @Override
        public synchronized void close(TransferException reason) {
            ended = Optional.of(reason);
        }
    }

    private final class Scripted implements ControlChannelProvider {
        @Override
        public String name() {
            return "scripted";
        }

        @Override
        public int rank() {
            return 1;
        }

        @Override
        public boolean serves(NodeConfig config) {
            return true;
        }

        @Override
        public ControlChannel open(NodeConfig config, ControlAcceptor peers) {
            acceptor.complete(peers);
            return new Silent();
        }
    }

    private static final class Silent implements ControlChannel {
        @Override
        public Optional<NodeAddress> address() {
            return Optional.empty();
        }

        @Override
        public CompletableFuture<ControlLink> connect(NodeAddress address, ControlHandler handler) {
            throw new AssertionError("this node connects to nobody");
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    }

    private final class Nowhere implements DataPathProvider, DataPath {
        @Override
        public String name() {
            return PATH;
        }

        @Override
        public int rank() {
            return 1;
        }

        @Override
        public Optional<String> unavailable(NodeConfig config) {
            return Optional.empty();
        }

        @Override
        public DataPath open(NodeConfig config) {
            return this;
        }

        @Override
        public byte[] endpoint() {
            return new byte[0];
        }

        @Override
        public CompletableFuture<DataLink> connect(LinkSetup setup, LinkHandler handler) {
            throw new AssertionError("this node connects to nobody");
        }

        @Override
        public CompletableFuture<DataLink> accept(LinkSetup setup, LinkHandler handler) {
            return laneMaker.get();
        }

        @Override
        public void close() {
            // Nothing is open.
        }
    }

    private static final class Held implements DataLink {
        private final Queue<OutboundFrame> frames = new ConcurrentLinkedQueue<>();
        private volatile boolean closed;

        @Override
        public int lanes() {
            return closed ? 0 : 1;
        }

        @Override
        public Map<String, String> details() {
            return Map.of();
        }

        @Override
        public void send(OutboundFrame frame) {
            frames.add(frame);
            if (closed) {
                release();
            }
        }

        @Override
        public void close(TransferException reason) {
            closed = true;
            release();
        }

        private void release() {
            for (var frame = frames.poll(); frame != null; frame = frames.poll()) {
                frame.released(false);
            }
        }
    }
}
