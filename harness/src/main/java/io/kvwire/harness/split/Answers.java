package io.kvwire.harness.split;

import io.kvwire.harness.timeline.ClockOffset;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferTrace.Interval;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * What the prefill node says about the one request that is running. Told by the wire's threads,
 * waited for by the thread that decodes.
 */
final class Answers implements NodeListener {
    private static final Logger LOG = LoggerFactory.getLogger(Answers.class);
    private static final long REPORT_SECONDS = 10;
    private static final int CLOCK_TRIPS = 8;

    private volatile Request current = new Request(0);
    private volatile CompletableFuture<ClockOffset> clock = new CompletableFuture<>();

    /** What is known of one request. */
    static final class Request {
        private final long id;
        private final CompletableFuture<SplitMessage.Finished> finished = new CompletableFuture<>();
        private final CompletableFuture<SplitMessage.Delivered> delivered =
                new CompletableFuture<>();
        private final List<Interval> stages = new CopyOnWriteArrayList<>();
        private volatile long finishedAt;

        private Request(long id) {
            this.id = id;
        }

        /** When {@link #finished} completed, as {@link System#nanoTime()}. */
        long finishedAt() {
            return finishedAt;
        }

        CompletableFuture<SplitMessage.Finished> finished() {
            return finished;
        }

        private void fail(TransferException why) {
            finished.completeExceptionally(why);
            delivered.completeExceptionally(why);
        }
    }

    /** Starts to listen for a request's answers; earlier ones are no longer of interest. */
    Request expect(long requestId) {
        var request = new Request(requestId);
        current = request;
        return request;
    }

    @Override
    public void notified(Peer peer, byte[] payload) {
        long now = System.nanoTime();
        try {
            take(SplitMessage.decode(payload), now);
        } catch (TransferException e) {
            LOG.warn("{}: {}", peer.name(), e.getMessage());
        }
    }

    private void take(SplitMessage message, long now) {
        var request = current;
        if (message.requestId() != request.id) {
            LOG.debug("an answer to an earlier request: {}", message);
            return;
        }
        switch (message) {
            case SplitMessage.Finished finished -> {
                request.finishedAt = now;
                request.finished.complete(finished);
            }
            case SplitMessage.Stages stages -> request.stages.addAll(stages.intervals());
            case SplitMessage.Delivered delivered -> request.delivered.complete(delivered);
            case SplitMessage.Clock told ->
                    clock.complete(ClockOffset.of(told.askedNanos(), told.thereNanos(), now));
            case SplitMessage.Failed failed ->
                    request.fail(new TransferException(failed.code(), failed.message()));
            case SplitMessage.Prefill _, SplitMessage.Pulled _ ->
                    LOG.warn("a prefill node sent a {}, not an answer", message);
        }
    }

    @Override
    public void disconnected(Peer peer, TransferException reason) {
        current.fail(reason);
        clock.completeExceptionally(reason);
    }

    /**
     * How the transfer went at prefill, which tells once the last byte of a push is confirmed.
     *
     * @param transferNanos how long it took
     * @param choices what prefill chose
     * @param stages what it did with each frame, on its clock; empty unless it pushed
     */
    record Told(long transferNanos, Choices choices, List<Interval> stages) {}

    Told told(Arrival.Arrived arrived) {
        if (!arrived.pushed()) {
            return new Told(arrived.transferNanos(), Choices.NONE, List.of());
        }
        var request = current;
        var delivered = await(request.delivered, REPORT_SECONDS);
        return new Told(delivered.transferNanos(), delivered.choices(), request.stages);
    }

    /** Asks for the peer's time again and again; the shortest round trip counts. */
    ClockOffset clockOf(Peer peer) {
        var best = ClockOffset.UNKNOWN;
        for (int i = 0; i < CLOCK_TRIPS; i++) {
            clock = new CompletableFuture<>();
            var asked = new SplitMessage.Clock(current.id, System.nanoTime(), 0);
            peer.notify(asked.encode());
            best = best.orBetter(await(clock, REPORT_SECONDS));
        }
        return best;
    }

    /** Waits for an answer, and throws the peer's error as one that happened here. */
    static <T> T await(CompletableFuture<T> answer, long seconds) {
        try {
            return answer.get(seconds, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof TransferException known
                    ? new TransferException(known.code(), known.getMessage(), known)
                    : new CompletionException(e.getCause());
        } catch (TimeoutException e) {
            throw new TransferException(
                    ErrorCode.DEADLINE_EXCEEDED,
                    "the prefill node has not answered for " + seconds + " s; look at its log",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TransferException(ErrorCode.CANCELLED, "interrupted while waiting", e);
        }
    }
}
