package io.kvwire.tcp;

import io.kvwire.tck.WireUnderTest;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.Wires;

import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.UnaryOperator;

/** TCP for the conformance suite; cuts a lane in the middle of its work when it is told to. */
final class TcpWire implements WireUnderTest {
    private static final long NO_CUT = Long.MAX_VALUE / 2;

    private final AtomicLong untilCut = new AtomicLong(NO_CUT);
    private final UnaryOperator<NodeConfig> setting;
    private final boolean inPlace;

    /** TCP as it comes. */
    TcpWire() {
        this(UnaryOperator.identity(), true);
    }

    /**
     * TCP with a setting.
     *
     * @param setting applied to every node's configuration
     * @param inPlace whether payload is then received in place
     */
    TcpWire(UnaryOperator<NodeConfig> setting, boolean inPlace) {
        this.setting = setting;
        this.inPlace = inPlace;
    }

    @Override
    public String path() {
        return TcpDataPath.NAME;
    }

    @Override
    public Wires wires() {
        return new Wires(List.of(new CuttingProvider()), List.of(new TcpControlChannelProvider()));
    }

    @Override
    public NodeConfig configure(NodeConfig config) {
        // The fault injector makes a slow reader by holding up the thread that reads a lane; the
        // control link must not be on that thread too.
        var options = new HashMap<>(config.wireOptions());
        options.put("tcp.threads", "8");
        return setting.apply(config.withWireOptions(options));
    }

    @Override
    public Set<Trait> traits() {
        var traits = EnumSet.allOf(Trait.class);
        if (!inPlace) {
            traits.remove(Trait.RECEIVES_IN_PLACE);
        }
        return traits;
    }

    /** Netty's own: it lives for a second after its last task. */
    @Override
    public Set<String> sharedThreads() {
        return Set.of("globalEventExecutor");
    }

    @Override
    public void cutLaneAfter(long payloadBytes) {
        untilCut.set(payloadBytes);
    }

    private final class CuttingProvider implements DataPathProvider {
        private final TcpDataPathProvider tcp = new TcpDataPathProvider();

        @Override
        public String name() {
            return tcp.name();
        }

        @Override
        public int rank() {
            return tcp.rank();
        }

        @Override
        public Optional<String> unavailable(NodeConfig config) {
            return tcp.unavailable(config);
        }

        @Override
        public DataPath open(NodeConfig config) {
            return new CuttingPath(tcp.open(config));
        }
    }

    private final class CuttingPath implements DataPath {
        private final DataPath tcp;

        CuttingPath(DataPath tcp) {
            this.tcp = tcp;
        }

        @Override
        public String name() {
            return tcp.name();
        }

        @Override
        public byte[] endpoint() {
            return tcp.endpoint();
        }

        @Override
        public CompletableFuture<DataLink> connect(LinkSetup setup, LinkHandler handler) {
            return tcp.connect(setup, handler).thenApply(CuttingLink::new);
        }

        @Override
        public CompletableFuture<DataLink> accept(LinkSetup setup, LinkHandler handler) {
            return tcp.accept(setup, handler).thenApply(CuttingLink::new);
        }

        @Override
        public void close() {
            tcp.close();
        }
    }

    private final class CuttingLink implements DataLink {
        private final TcpDataLink tcp;

        CuttingLink(DataLink link) {
            tcp = (TcpDataLink) link;
        }

        @Override
        public int lanes() {
            return tcp.lanes();
        }

        @Override
        public Map<String, String> details() {
            return tcp.details();
        }

        @Override
        public void send(OutboundFrame frame) {
            long left = untilCut.addAndGet(-frame.payloadBytes());
            boolean due = left <= 0 && untilCut.compareAndSet(left, NO_CUT);
            if (due && tcp.lanesUp().stream().anyMatch(lane -> cutWith(frame, lane))) {
                return;
            }
            if (due) {
                untilCut.set(0);
            }
            tcp.send(frame);
        }

        /** Gives a lane a frame and cuts it before it can have sent all of that. */
        private boolean cutWith(OutboundFrame frame, Lane lane) {
            var loop = lane.connection().channel().eventLoop();
            if (loop.inEventLoop()) {
                return false;
            }
            var held = new CountDownLatch(1);
            var given = new CountDownLatch(1);
            loop.execute(() -> {
                held.countDown();
                if (arrives(given)) {
                    lane.close(new TransferException(ErrorCode.LANE_LOST, "cut by the test"));
                }
            });
            boolean taken = arrives(held) && lane.send(frame);
            given.countDown();
            return taken;
        }

        private static boolean arrives(CountDownLatch latch) {
            try {
                return latch.await(5, TimeUnit.SECONDS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return false;
            }
        }

        @Override
        public void close(TransferException reason) {
            tcp.close(reason);
        }
    }
}
