package io.kvwire.tck;

import io.kvwire.tck.fault.ControlTap;
import io.kvwire.tck.fault.LinkTap;
import io.kvwire.tck.fault.Taps;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.Wires;

import java.nio.ByteBuffer;
import java.util.Map;
import java.util.function.UnaryOperator;

/** The reference wire with one mistake built in. */
final class BrokenWire implements WireUnderTest {
    private final MemoryWire sound = new MemoryWire();
    private final Taps mistakes;

    private BrokenWire(Taps mistakes) {
        this.mistakes = mistakes;
    }

    /** A wire whose arriving frames misbehave. */
    static BrokenWire receiving(UnaryOperator<InboundFrame> mistake) {
        return new BrokenWire(
                new Taps(
                        node -> new Tap(node, mistake, UnaryOperator.identity()),
                        () -> new Control(UnaryOperator.identity())));
    }

    /** A wire that misbehaves with the frames it sends. */
    static BrokenWire sending(UnaryOperator<OutboundFrame> mistake) {
        return new BrokenWire(
                new Taps(
                        node -> new Tap(node, UnaryOperator.identity(), mistake),
                        () -> new Control(UnaryOperator.identity())));
    }

    /** A wire whose control links misbehave. */
    static BrokenWire controlling(UnaryOperator<ControlHandler> mistake) {
        return new BrokenWire(
                new Taps(
                        node -> new Tap(node, UnaryOperator.identity(), UnaryOperator.identity()),
                        () -> new Control(mistake)));
    }

    @Override
    public String path() {
        return sound.path();
    }

    @Override
    public Wires wires() {
        return mistakes.around(sound.wires());
    }

    @Override
    public NodeConfig configure(NodeConfig config) {
        return sound.configure(config);
    }

    @Override
    public void cutLaneAfter(long payloadBytes) {
        sound.cutLaneAfter(payloadBytes);
    }

    @Override
    public void close() {
        sound.close();
    }

    /** An arriving frame that does right; mistakes override. */
    abstract static class Inbound implements InboundFrame {
        final InboundFrame frame;

        Inbound(InboundFrame frame) {
            this.frame = frame;
        }

        @Override
        public RunCursor target() {
            return frame.target();
        }

        @Override
        public boolean revoked() {
            return frame.revoked();
        }

        @Override
        public void complete(long copiedBytes, long scatterNanos) {
            frame.complete(copiedBytes, scatterNanos);
        }

        @Override
        public void abort() {
            frame.abort();
        }
    }

    /** A frame to send that does right; mistakes override. */
    abstract static class Outbound implements OutboundFrame {
        final OutboundFrame frame;

        Outbound(OutboundFrame frame) {
            this.frame = frame;
        }

        @Override
        public ByteBuffer header() {
            return frame.header();
        }

        @Override
        public long payloadBytes() {
            return frame.payloadBytes();
        }

        @Override
        public RunCursor payload() {
            return frame.payload();
        }

        @Override
        public boolean wanted() {
            return frame.wanted();
        }

        @Override
        public void sending(int lane) {
            frame.sending(lane);
        }

        @Override
        public void released(boolean sent) {
            frame.released(sent);
        }
    }

    private record Tap(
            LinkHandler node,
            UnaryOperator<InboundFrame> receiving,
            UnaryOperator<OutboundFrame> sending)
            implements LinkTap {
        @Override
        public LinkHandler inbound() {
            return new LinkHandler() {
                @Override
                public InboundFrame begin(ByteBuffer header, long payloadBytes) {
                    return receiving.apply(node.begin(header, payloadBytes));
                }

                @Override
                public void laneLost(int lane, TransferException reason) {
                    node.laneLost(lane, reason);
                }

                @Override
                public void closed(TransferException reason) {
                    node.closed(reason);
                }
            };
        }

        @Override
        public DataLink over(DataLink link) {
            return new DataLink() {
                @Override
                public int lanes() {
                    return link.lanes();
                }

                @Override
                public Map<String, String> details() {
                    return link.details();
                }

                @Override
                public void send(OutboundFrame frame) {
                    link.send(sending.apply(frame));
                }

                @Override
                public void close(TransferException reason) {
                    link.close(reason);
                }
            };
        }
    }

    private record Control(UnaryOperator<ControlHandler> mistake) implements ControlTap {
        @Override
        public ControlHandler inbound(ControlHandler node) {
            return mistake.apply(node);
        }

        @Override
        public ControlLink over(ControlLink link) {
            return link;
        }
    }
}
