package io.kvwire.transport.spi;

import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;

/** The lanes between this node and one peer over one wire. Thread-safe. */
public interface DataLink {
    /** {@return how many lanes are up} */
    int lanes();

    /**
     * {@return why a lane broke last, for those whose frames come back unsent, which happens before
     * {@link LinkHandler#laneLost}; empty while none has broken}
     */
    default Optional<TransferException> lastLoss() {
        return Optional.empty();
    }

    /** {@return what the wire has to say about the link now, for the path report} */
    Map<String, String> details();

    /**
     * {@return whether frames may have their payload in this memory of a device, because the other
     * end can fetch it from there; asked once for each transfer}
     *
     * @param memory as in {@link DataPath#peerMemoryAdded}
     */
    default boolean fetches(MemorySegment memory) {
        return false;
    }

    /**
     * Queues a frame on the lane that will be free first. Does not wait; the node's credits bound
     * what is queued.
     *
     * @param frame to send; given back through {@link OutboundFrame#released}, also when the link
     *     is down
     */
    void send(OutboundFrame frame);

    /**
     * {@return a way for the session's messages beside the frames, or empty when the link has none}
     */
    default Optional<MessageLane> messages() {
        return Optional.empty();
    }

    /**
     * Closes all lanes at once. Frames not yet released are released as not sent, frames that are
     * arriving are aborted, then {@link LinkHandler#closed} is called.
     *
     * @param reason why
     */
    void close(TransferException reason);
}
