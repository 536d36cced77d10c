package io.kvwire.tcp;

import io.kvwire.tck.WireUnderTest;
import io.kvwire.tck.fault.ForwardedLink;
import io.kvwire.tck.fault.Taps;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.Wires;

import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Set;
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
        return new Wires(
                List.of(Taps.around(new TcpDataPathProvider(), CuttingLink::new)),
                List.of(new TcpControlChannelProvider()));
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
        var traits = EnumSet.copyOf(WireUnderTest.super.traits());
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

    private final class CuttingLink extends ForwardedLink {
        private final LinkHandler handler;
        private volatile TcpDataLink tcp;

        CuttingLink(LinkHandler handler) {
            this.handler = handler;
        }

        @Override
        public LinkHandler inbound() {
            return handler;
        }

        @Override
        public DataLink over(DataLink real) {
            tcp = (TcpDataLink) real;
            return super.over(real);
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
    }
}
