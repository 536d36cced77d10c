package io.kvwire.tck;

import io.kvwire.tck.fault.ControlTap;
import io.kvwire.tck.fault.FrameTap;
import io.kvwire.tck.fault.Taps;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.Wires;

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
                        node -> new FrameTap(node, mistake, UnaryOperator.identity()),
                        () -> new Control(UnaryOperator.identity())));
    }

    /** A wire that misbehaves with the frames it sends. */
    static BrokenWire sending(UnaryOperator<OutboundFrame> mistake) {
        return new BrokenWire(
                new Taps(
                        node -> new FrameTap(node, UnaryOperator.identity(), mistake),
                        () -> new Control(UnaryOperator.identity())));
    }

    /** A wire whose control links misbehave. */
    static BrokenWire controlling(UnaryOperator<ControlHandler> mistake) {
        return new BrokenWire(
                new Taps(
                        node ->
                                new FrameTap(
                                        node, UnaryOperator.identity(), UnaryOperator.identity()),
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
