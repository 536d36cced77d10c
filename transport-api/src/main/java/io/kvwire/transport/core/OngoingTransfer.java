package io.kvwire.transport.core;

import io.kvwire.transport.CodecDecision;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;
import io.kvwire.transport.TransferTiming;
import io.kvwire.transport.TransferTrace;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A transfer that this node initiated: its one outcome, and the count of what still touches its
 * memory. The count starts at one for the transfer itself; frames add to it while they live.
 */
abstract class OngoingTransfer implements Transfer {
    final Session session;
    final TransferOptions options;
    final long submittedNanos = System.nanoTime();
    private final int blocks;
    private final TraceLog trace;
    private final AtomicReference<TransferOutcome> outcome = new AtomicReference<>();
    private final CompletableFuture<TransferOutcome> completion = new CompletableFuture<>();
    private final CompletableFuture<Void> quiescence = new CompletableFuture<>();
    private final AtomicInteger holds = new AtomicInteger(1);
    private volatile long id;
    private volatile CodecDecision codec;
    private volatile long endedNanos;
    private volatile Future<?> deadline;

    OngoingTransfer(Session session, TransferOptions options, int blocks) {
        this.session = session;
        this.options = options;
        this.blocks = blocks;
        trace = options.trace() ? new TraceLog() : null;
    }

    /** Begins to send or ask, now that the transfer has a name. */
    abstract void activate();

    /** The transfer is over: stop sending, tell the peer if it does not know. */
    abstract void stop(TransferOutcome how);

    /** Nothing touches the local memory any more: unpin it. */
    abstract void quiet();

    /** The local cache or region. */
    abstract Object memory();

    /** Bytes and phases, given the total. */
    abstract TransferTiming timing(long totalNanos);

    final void name(long slotId) {
        id = slotId;
    }

    final void watchDeadline() {
        deadline =
                session.node()
                        .after(
                                options.deadlineNanos(),
                                () ->
                                        fail(
                                                new TransferException(
                                                        ErrorCode.DEADLINE_EXCEEDED,
                                                        "transfer to '"
                                                                + session.name()
                                                                + "' not complete after "
                                                                + options.deadline()
                                                                + ": "
                                                                + progress())));
        if (ended()) {
            deadline.cancel(false);
        }
    }

    /** How far it has come, for the message of a failure. */
    abstract String progress();

    public final boolean ended() {
        return outcome.get() != null;
    }

    final boolean fail(TransferException reason) {
        return end(
                new TransferOutcome.Failed(
                        reason.code(), reason.getMessage(), session.name(), blocks));
    }

    /** Ends the transfer unless it has ended; the first caller wins. */
    final boolean end(TransferOutcome how) {
        if (!outcome.compareAndSet(null, how)) {
            return false;
        }
        endedNanos = System.nanoTime();
        var timer = deadline;
        if (timer != null) {
            timer.cancel(false);
        }
        stop(how);
        drop();
        var node = session.node();
        node.metrics.active.decrement();
        node.metrics.ended(how, timing());
        completion.complete(how);
        node.tell(listener -> listener.transferEnded(session.peer(), this));
        return true;
    }

    /** Counts one more that touches the memory; false when the memory has gone quiet. */
    public final boolean hold() {
        int now;
        do {
            now = holds.get();
            if (now == 0) {
                return false;
            }
        } while (!holds.compareAndSet(now, now + 1));
        return true;
    }

    public final void drop() {
        if (holds.decrementAndGet() == 0) {
            quiet();
            session.slots.release(this);
            quiescence.complete(null);
        }
    }

    /** Where the stages of frames are recorded; null without a trace. */
    public final TraceLog traceLog() {
        return trace;
    }

    final void decided(CodecDecision decision) {
        codec = decision;
        session.node().metrics.sends(decision);
    }

    @Override
    public Optional<CodecDecision> codec() {
        return Optional.ofNullable(codec);
    }

    @Override
    public TransferTrace trace() {
        return trace == null ? TransferTrace.NONE : trace.snapshot();
    }

    @Override
    public long id() {
        return id;
    }

    @Override
    public Optional<TransferOutcome> outcome() {
        return Optional.ofNullable(outcome.get());
    }

    @Override
    public CompletableFuture<TransferOutcome> completion() {
        return completion.copy();
    }

    @Override
    public CompletableFuture<Void> quiescence() {
        return quiescence.copy();
    }

    @Override
    public boolean cancel() {
        return end(new TransferOutcome.Cancelled());
    }

    @Override
    public TransferTiming timing() {
        return timing((ended() ? endedNanos : System.nanoTime()) - submittedNanos);
    }

    @Override
    public void join(Duration timeout) {
        TransferOutcome how;
        try {
            how = completion.get(timeout.toNanos(), TimeUnit.NANOSECONDS);
        } catch (TimeoutException e) {
            throw new TransferException(
                    ErrorCode.DEADLINE_EXCEEDED,
                    "transfer to '"
                            + session.name()
                            + "' still runs after "
                            + timeout
                            + ": "
                            + progress(),
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TransferException(
                    ErrorCode.CANCELLED, "interrupted while waiting for a transfer", e);
        } catch (ExecutionException e) {
            throw new TransferException(ErrorCode.INTERNAL, "a transfer ended without outcome", e);
        }
        switch (how) {
            case TransferOutcome.Done ignored -> {}
            case TransferOutcome.Failed failed ->
                    throw new TransferException(failed.code(), failed.message());
            case TransferOutcome.Cancelled ignored ->
                    throw new TransferException(ErrorCode.CANCELLED, "the transfer was cancelled");
        }
    }
}
