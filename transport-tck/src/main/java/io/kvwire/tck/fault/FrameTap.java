package io.kvwire.tck.fault;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.OutboundFrame;

import java.nio.ByteBuffer;
import java.util.function.UnaryOperator;

/** Puts others in the place of frames, and leaves all else of a link as it is. */
public final class FrameTap extends ForwardedLink implements LinkHandler {
    private final LinkHandler node;
    private final UnaryOperator<InboundFrame> receiving;
    private final UnaryOperator<OutboundFrame> sending;

    /**
     * Makes a tap.
     *
     * @param node the node's handler
     * @param receiving what the wire is given for a frame that arrives
     * @param sending what the wire is given for a frame to send
     */
    public FrameTap(
            LinkHandler node,
            UnaryOperator<InboundFrame> receiving,
            UnaryOperator<OutboundFrame> sending) {
        this.node = node;
        this.receiving = receiving;
        this.sending = sending;
    }

    @Override
    public LinkHandler inbound() {
        return this;
    }

    @Override
    public void send(OutboundFrame frame) {
        super.send(sending.apply(frame));
    }

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
}
