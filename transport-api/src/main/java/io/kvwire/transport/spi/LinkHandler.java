package io.kvwire.transport.spi;

import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;

/**
 * What a wire tells the node about one link. Called from the wire's threads, many lanes at once.
 */
public interface LinkHandler {
    /**
     * A frame's header has arrived and its payload follows.
     *
     * @param header between position and limit; only valid during the call
     * @param payloadBytes that follow on the same lane
     * @return where they go; for a frame that is refused (a stale block, say) one without runs: the
     *     peer has been told
     * @throws TransferException when the header is malformed: the wire closes the lane
     */
    InboundFrame begin(ByteBuffer header, long payloadBytes);

    /**
     * One lane has broken, and others may still be up. Every frame that was given to it and not yet
     * released has been released as not sent. Frames that it reported as sent may or may not have
     * arrived.
     *
     * @param lane which
     * @param reason why
     */
    void laneLost(int lane, TransferException reason);

    /**
     * The link is gone: no lane is left, or it was closed. Called once.
     *
     * @param reason why
     */
    void closed(TransferException reason);
}
