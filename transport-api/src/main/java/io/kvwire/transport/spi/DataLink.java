package io.kvwire.transport.spi;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

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
     * Lets the peer read memory of this process in place. Asked while no registration of the memory
     * can end.
     *
     * @param memory registered with the node ({@link DataPath#memoryAdded}), each segment once
     * @return completes with the grant, or exceptionally with {@link TransferException}: {@link
     *     ErrorCode#PATH_UNAVAILABLE} and the reason where the peer cannot be shown it
     */
    default CompletableFuture<MemoryGrant> grant(List<MemorySegment> memory) {
        return CompletableFuture.failedFuture(noViews());
    }

    /**
     * Opens memory that the peer has granted.
     *
     * @param token see {@link MemoryGrant#token}; not to be trusted further than the peer
     * @return completes with the memory, or exceptionally with {@link TransferException}
     */
    default CompletableFuture<GrantedMemory> open(byte[] token) {
        return CompletableFuture.failedFuture(noViews());
    }

    private static TransferException noViews() {
        return new TransferException(
                ErrorCode.PATH_UNAVAILABLE,
                "this path has no memory that both ends see: READ the blocks");
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
