package io.kvwire.tck.fault;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.MessageLane;
import io.kvwire.transport.spi.OutboundFrame;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * Puts others in the place of frames, and leaves all else of a link as it is.
 *
 * @param node the node's handler
 * @param receiving what the wire is given for a frame that arrives
 * @param sending what the wire is given for a frame to send
 */
public record FrameTap(
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
            public Optional<MessageLane> messages() {
                return link.messages();
            }

            @Override
            public boolean fetches(MemorySegment memory) {
                return link.fetches(memory);
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
