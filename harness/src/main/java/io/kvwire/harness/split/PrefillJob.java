package io.kvwire.harness.split;

import io.kvwire.harness.model.LayerListener;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.weights.ModelException;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.PaceDecision;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOptions.Pace;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.TimeUnit;

/**
 * Serves one request after another on the thread that computes. Every request ends with an answer,
 * as long as its peer is there to hear it, and with its blocks given back.
 */
final class PrefillJob {
    private static final Logger LOG = LoggerFactory.getLogger(PrefillJob.class);
    private static final Duration LEASE = Duration.ofSeconds(30);
    private static final TransferOptions OPTIONS =
            TransferOptions.DEFAULT.withDeadline(PrefillServer.DEADLINE).withTrace(true);
    private static final PaceDecision ASKED_FOR_BULK = PaceDecision.of(Pace.BULK, 0, 0, 0);

    private final LlamaRunner llama;
    private final CacheMemory memory;
    private final KvCache cache;
    private final String fingerprint;
    private final Optional<FileFolder> folder;
    private final ConcurrentMap<LeasedRequest.Name, LeasedRequest> leased;

    /**
     * The last prompt that was pushed or saved, whose blocks stay until the next; while a request
     * is delivered, the one that it hands over again, or none when it is to be computed.
     */
    private Optional<Prompt> kept = Optional.empty();

    /** A computed prompt. */
    private record Prompt(List<Integer> tokens, BlockTable table, int firstToken) {}

    PrefillJob(
            LlamaRunner llama,
            CacheMemory memory,
            KvCache cache,
            String fingerprint,
            Optional<FileFolder> folder,
            ConcurrentMap<LeasedRequest.Name, LeasedRequest> leased) {
        this.llama = llama;
        this.memory = memory;
        this.cache = cache;
        this.fingerprint = fingerprint;
        this.folder = folder;
        this.leased = leased;
    }

    void run(Peer peer, SplitMessage.Prefill request) {
        try {
            requireSameModel(request);
            serve(peer, request);
        } catch (TransferException e) {
            refuse(peer, request, e);
        } catch (ModelException e) {
            refuse(peer, request, new TransferException(ErrorCode.OUT_OF_RANGE, e.getMessage(), e));
        } catch (UncheckedIOException e) {
            var why = "the prefill node cannot save the cache: " + e.getCause();
            refuse(peer, request, new TransferException(ErrorCode.INTERNAL, why, e));
        } catch (RuntimeException e) {
            LOG.error("request {} of {} failed", request.requestId(), peer.name(), e);
            var why = "the prefill node failed: " + e + "; its log says more";
            refuse(peer, request, new TransferException(ErrorCode.INTERNAL, why, e));
        }
    }

    static void refuse(Peer peer, SplitMessage.Prefill request, TransferException why) {
        LOG.warn("request {} of {}: {}", request.requestId(), peer.name(), why.getMessage());
        var answer = new SplitMessage.Failed(request.requestId(), why.code(), why.getMessage());
        try {
            peer.notify(answer.encode());
        } catch (TransferException e) {
            LOG.warn("{} cannot be told: {}", peer.name(), e.getMessage());
        }
    }

    private void requireSameModel(SplitMessage.Prefill request) {
        if (!request.fingerprint().equals(fingerprint)) {
            throw new TransferException(
                    ErrorCode.REFUSED,
                    "prefill runs another model than decode (fingerprints "
                            + fingerprint
                            + " and "
                            + request.fingerprint()
                            + "); give both the same --model and --dtype");
        }
    }

    private void serve(Peer peer, SplitMessage.Prefill request) {
        if (kept.isPresent()) {
            var old = kept.get();
            if (request.again() && old.tokens().equals(request.tokens())) {
                deliver(peer, request, old.table());
                return;
            }
            kept = Optional.empty();
            var _ = cache.retire(old.table());
        }
        var table = allocate(request);
        Optional<Prompt> done = Optional.empty();
        boolean leaves = request.mode() == TransferMode.PULL;
        try {
            int first = deliver(peer, request, table);
            done = Optional.of(new Prompt(request.tokens(), table, first));
        } finally {
            if (!leaves) {
                kept = done;
                if (done.isEmpty()) {
                    // Blocks are handed out again only when nothing touches them any more.
                    var _ = cache.retire(table);
                }
            }
        }
    }

    private BlockTable allocate(SplitMessage.Prefill request) {
        int needed = memory.layout().blocksFor(request.tokens().size());
        return cache.allocate(needed)
                .orElseThrow(() ->
                        new TransferException(
                                ErrorCode.RESOURCE_EXHAUSTED,
                                "the prefill node's cache has "
                                        + cache.freeBlocks()
                                        + " blocks free and the prompt needs "
                                        + needed
                                        + "; raise --cache-tokens there"));
    }

    /** Computes the prompt, unless it was kept, and hands it over; returns its first token. */
    private int deliver(Peer peer, SplitMessage.Prefill request, BlockTable table) {
        return switch (request.mode()) {
            case BULK -> bulk(peer, request, table);
            case LAYERWISE -> stream(peer, request, table, Pace.LAYERWISE);
            case AUTO -> stream(peer, request, table, Pace.AUTO);
            case PULL -> offer(peer, request, table);
            case FILE -> file(peer, request, table);
        };
    }

    private int compute(SplitMessage.Prefill request, BlockTable table, LayerListener listener) {
        if (kept.isPresent()) {
            allReady(request.tokens().size(), listener);
            return kept.get().firstToken();
        }
        int[] prompt = request.tokens().stream().mapToInt(Integer::intValue).toArray();
        return llama.next(prompt, 0, table.ids(), memory.paged(), listener);
    }

    /** Says of everything that is computed already that it is. */
    private void allReady(int tokens, LayerListener listener) {
        int chunk = llama.chunkTokens() < 1 ? tokens : llama.chunkTokens();
        for (int from = 0; from < tokens; from += chunk) {
            for (int layer = 0; layer < memory.layout().layers(); layer++) {
                listener.written(layer, from, Math.min(chunk, tokens - from));
            }
        }
    }

    private int bulk(Peer peer, SplitMessage.Prefill request, BlockTable table) {
        var clock = new UnitClock(LayerListener.NONE);
        int first = compute(request, table, clock);
        var finished = finished(request, first, clock);
        long start = System.nanoTime();
        var options = OPTIONS.withNotification(finished.encode());
        var transfer = peer.write(blocks(peer, request, table), options);
        long nanos = awaitEnd(transfer, start);
        report(peer, request, transfer, ASKED_FOR_BULK, nanos);
        return first;
    }

    private int stream(Peer peer, SplitMessage.Prefill request, BlockTable table, Pace pace) {
        try (var stream = peer.stream(blocks(peer, request, table), OPTIONS.withPace(pace))) {
            var clock = new UnitClock(stream::ready);
            int first = compute(request, table, clock);
            peer.notify(finished(request, first, clock).encode());
            long nanos = awaitEnd(stream.transfer(), clock.firstReady());
            report(peer, request, stream.transfer(), stream.pace().orElseThrow(), nanos);
            return first;
        }
    }

    private static long awaitEnd(Transfer transfer, long start) {
        transfer.join(PrefillServer.DEADLINE);
        long nanos = System.nanoTime() - start;
        // The receiver may have all bytes before the wire here has noted the last of them.
        transfer.quiescence().join();
        return nanos;
    }

    private static void report(
            Peer peer,
            SplitMessage.Prefill request,
            Transfer transfer,
            PaceDecision pace,
            long nanos) {
        var intervals = transfer.trace().intervals();
        for (int from = 0; from < intervals.size(); from += SplitMessage.Stages.MOST) {
            int to = Math.min(intervals.size(), from + SplitMessage.Stages.MOST);
            var part = new SplitMessage.Stages(request.requestId(), intervals.subList(from, to));
            peer.notify(part.encode());
        }
        var choices = Choices.of(transfer.codec(), pace);
        peer.notify(new SplitMessage.Delivered(request.requestId(), nanos, choices).encode());
    }

    private BlockTransfer blocks(Peer peer, SplitMessage.Prefill request, BlockTable table) {
        var remote =
                peer.cache(Seat.CACHE)
                        .orElseThrow(() ->
                                new TransferException(
                                        ErrorCode.UNKNOWN_REGION,
                                        "the decode node has registered no cache '"
                                                + Seat.CACHE
                                                + "'"));
        var theirs = SplitMessage.table(request.blocks());
        int tokens = request.tokens().size();
        return BlockTransfer.of(request.requestId(), cache, table, remote, theirs, tokens);
    }

    private int offer(Peer peer, SplitMessage.Prefill request, BlockTable table) {
        var name = new LeasedRequest.Name(peer, request.requestId());
        try {
            var clock = new UnitClock(LayerListener.NONE);
            int first = compute(request, table, clock);
            var lease = cache.lease(request.requestId(), table, LEASE.toNanos());
            leased.put(name, new LeasedRequest(cache, table, lease, kept.isEmpty()));
            var text = SplitMessage.text(table);
            peer.notify(finished(request, first, clock).offering(lease.id(), text).encode());
            endWhenLapsed(name);
            return first;
        } catch (RuntimeException e) {
            var offered = leased.remove(name);
            if (offered != null) {
                offered.end();
            } else if (kept.isEmpty()) {
                var _ = cache.retire(table);
            }
            throw e;
        }
    }

    /** Gives the blocks of a reader that never came back, and never said so, to others. */
    private void endWhenLapsed(LeasedRequest.Name name) {
        var later = CompletableFuture.delayedExecutor(LEASE.toNanos(), TimeUnit.NANOSECONDS);
        later.execute(() -> {
            var waiting = leased.get(name);
            if (waiting == null) {
                return;
            }
            if (waiting.lease().valid() && name.peer().connected()) {
                endWhenLapsed(name);
            } else if (leased.remove(name, waiting)) {
                waiting.end();
            }
        });
    }

    private int file(Peer peer, SplitMessage.Prefill request, BlockTable table) {
        var shared =
                folder.orElseThrow(() ->
                        new TransferException(
                                ErrorCode.ACCESS_DENIED,
                                "the prefill node saves no files; start it with --file-folder"));
        // Refused before anything is computed for it.
        var _ = shared.inside(request.file());
        var clock = new UnitClock(LayerListener.NONE);
        int first = compute(request, table, clock);
        long computed = clock.elapsed();
        try {
            var _ = shared.save(peer, request, memory, table);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        long saved = clock.elapsed() - computed;
        peer.notify(finished(request, first, clock).saved(computed, saved).encode());
        return first;
    }

    private SplitMessage.Finished finished(
            SplitMessage.Prefill request, int first, UnitClock clock) {
        return new SplitMessage.Finished(
                request.requestId(),
                first,
                clock.start(),
                clock.elapsed(),
                clock.nanos(),
                llama.chunkTokens(),
                0,
                0,
                "");
    }
}
