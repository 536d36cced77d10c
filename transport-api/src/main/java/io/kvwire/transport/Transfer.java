package io.kvwire.transport;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * One asynchronous WRITE or READ. It ends in exactly one {@link TransferOutcome}, by its deadline
 * at the latest.
 *
 * <p>The outcome says what became of the data; {@link #quiescence()} says when the memory of this
 * side is free. The two differ when a transfer is cancelled or fails while bytes are on their way.
 * Thread-safe.
 */
public interface Transfer {
    /** {@return the name of this transfer on its connection; reused only after it has ended} */
    long id();

    /** {@return the outcome, or empty while it runs} */
    Optional<TransferOutcome> outcome();

    /** {@return completes with the outcome; never exceptionally} */
    CompletableFuture<TransferOutcome> completion();

    /** {@return completes when nothing touches the local blocks or ranges any more} */
    CompletableFuture<Void> quiescence();

    /**
     * Withdraws the transfer.
     *
     * @return whether this call ended it; false when it had ended already
     */
    boolean cancel();

    /**
     * {@return the codec that the blocks are sent in, and why; empty before the transfer has begun,
     * for ranges, and for a READ, where the owner of the blocks decides}
     */
    Optional<CodecDecision> codec();

    /**
     * {@return what this end did with each frame so far; nothing without {@link
     * TransferOptions#trace}}
     */
    TransferTrace trace();

    /**
     * {@return bytes and phases so far; final at {@link #quiescence}, since the target may have all
     * bytes before this end's wire has counted the last of them}
     */
    TransferTiming timing();

    /**
     * Waits for the end and insists on success.
     *
     * @param timeout how long to wait; the transfer goes on when it passes
     * @throws TransferException with the code of the failure, {@link ErrorCode#CANCELLED}, or
     *     {@link ErrorCode#DEADLINE_EXCEEDED} when the wait is over first
     */
    void join(Duration timeout);
}
