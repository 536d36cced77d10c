package io.kvwire.harness.split;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferTrace.Interval;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Gets one request's cache into this process, in any mode. */
final class Arrival {
    private final TransferNode node;
    private final Peer peer;
    private final KvCache cache;
    private final CacheMemory memory;
    private final Answers answers;

    Arrival(TransferNode node, Peer peer, KvCache cache, CacheMemory memory, Answers answers) {
        this.node = node;
        this.peer = peer;
        this.cache = cache;
        this.memory = memory;
        this.answers = answers;
    }

    /**
     * A cache in place.
     *
     * @param finished what prefill said
     * @param pushed whether prefill knows how long the transfer took
     * @param transferNanos the transfer's time as far as this side knows it
     * @param exposedNanos see {@link SplitRun#exposedNanos()}
     * @param bytes of K and V
     * @param stages what decode did with each frame
     */
    record Arrived(
            SplitMessage.Finished finished,
            boolean pushed,
            long transferNanos,
            long exposedNanos,
            long bytes,
            List<Interval> stages) {
        int firstToken() {
            return finished.firstToken();
        }
    }

    /** Asks, and returns when every byte is in place and the first token is known. */
    Arrived await(SplitMessage.Prefill request, BlockTable table, Optional<FileFolder> folder) {
        return switch (request.mode()) {
            case BULK, LAYERWISE, AUTO -> push(request, table);
            case PULL -> pull(request, table);
            case FILE -> file(request, table, folder);
        };
    }

    private SplitMessage.Finished ask(SplitMessage.Prefill request, Answers.Request answer) {
        peer.notify(request.encode());
        return Answers.await(answer.finished(), PrefillServer.DEADLINE.toSeconds());
    }

    private Arrived push(SplitMessage.Prefill request, BlockTable table) {
        int tokens = request.tokens().size();
        var answer = answers.expect(request.requestId());
        try (var reception = node.expect(request.requestId(), cache, table, 0, tokens).traced()) {
            var finished = ask(request, answer);
            reception.join(PrefillServer.DEADLINE);
            long inPlace = Arrays.stream(reception.layerNanos()).max().orElse(0);
            long exposed = Math.max(0, inPlace - answer.finishedAt());
            return new Arrived(
                    finished,
                    true,
                    0,
                    exposed,
                    reception.receivedBytes(),
                    reception.trace().intervals());
        }
    }

    private Arrived pull(SplitMessage.Prefill request, BlockTable table) {
        var answer = answers.expect(request.requestId());
        var finished = ask(request, answer);
        long start = System.nanoTime();
        try {
            var remote =
                    peer.cache(Seat.CACHE)
                            .orElseThrow(() ->
                                    new TransferException(
                                            ErrorCode.UNKNOWN_REGION,
                                            "the prefill node has no cache '" + Seat.CACHE + "'"));
            var theirs = SplitMessage.table(finished.blocks());
            int tokens = request.tokens().size();
            var blocks =
                    BlockTransfer.of(request.requestId(), cache, table, remote, theirs, tokens)
                            .underLease(finished.leaseId());
            var options =
                    TransferOptions.DEFAULT.withDeadline(PrefillServer.DEADLINE).withTrace(true);
            var read = peer.read(blocks, options);
            read.join(PrefillServer.DEADLINE);
            long nanos = System.nanoTime() - start;
            return new Arrived(
                    finished, false, nanos, nanos, read.timing().bytes(), read.trace().intervals());
        } finally {
            peer.notify(new SplitMessage.Pulled(request.requestId()).encode());
        }
    }

    private Arrived file(
            SplitMessage.Prefill request, BlockTable table, Optional<FileFolder> folder) {
        var shared =
                folder.orElseThrow(() ->
                        new TransferException(
                                ErrorCode.OUT_OF_RANGE, "no folder to load files from was given"));
        var answer = answers.expect(request.requestId());
        try {
            var finished = ask(request, answer);
            long start = System.nanoTime();
            long bytes = shared.load(peer, request, memory, table);
            long nanos = System.nanoTime() - start + finished.saveNanos();
            return new Arrived(finished, false, nanos, nanos, bytes, List.of());
        } finally {
            shared.delete(request);
        }
    }
}
