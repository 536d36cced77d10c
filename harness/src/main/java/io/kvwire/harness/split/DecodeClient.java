package io.kvwire.harness.split;

import io.kvwire.harness.model.GreedyDecoding;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.timeline.Timeline;
import io.kvwire.harness.timeline.TimelineBuilder;
import io.kvwire.harness.weights.ModelException;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.PathReport;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;

import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntConsumer;

/**
 * The decode half: asks a prefill node for a prompt's KV cache, and continues from it.
 *
 * <p>Owns a {@link TransferNode} that only connects, the cache's memory and the model's threads.
 * Confined to one thread at a time. After an error of one request the next may be run, as long as
 * the connection is up.
 *
 * {@snippet :
 * try (var decode = DecodeClient.connect(Seat.of(model), NodeConfig.named("decode"), prefill)) {
 *     var run = decode.run(prompt, TransferMode.LAYERWISE, 64, token -> print(token));
 * }
 * }
 */
public final class DecodeClient implements AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(15);

    private final CacheMemory memory;
    private final LlamaRunner llama;
    private final String fingerprint;
    private final Answers answers = new Answers();
    private final TransferNode node;
    private final KvCache cache;
    private final Peer peer;
    private final Optional<FileFolder> folder;
    private long lastRequest = new SecureRandom().nextLong() >>> 1;

    private DecodeClient(Seat seat, NodeConfig config, NodeAddress prefill, Optional<Path> folder) {
        this.folder = folder.map(path -> new FileFolder(path, config.codec()));
        memory = seat.memory();
        TransferNode started = null;
        LlamaRunner runner = null;
        try {
            // First, so that its codec warms up while the model does.
            started = TransferNode.start(config.connectOnly().withListener(answers));
            cache = memory.register(started, Seat.CACHE, Access.REMOTE_WRITE);
            runner = seat.runner();
            fingerprint = seat.fingerprint();
            peer = connect(started, prefill);
        } catch (RuntimeException | Error e) {
            if (started != null) {
                started.close();
            }
            if (runner != null) {
                runner.close();
            }
            memory.close();
            throw e;
        }
        node = started;
        llama = runner;
    }

    /**
     * Connects to a prefill node.
     *
     * @param seat model, cache, threads
     * @param config paths, limits, security; its address and listener are replaced
     * @param prefill where the prefill node listens
     * @return the client
     * @throws TransferException as {@link TransferNode#connect} does
     */
    public static DecodeClient connect(Seat seat, NodeConfig config, NodeAddress prefill) {
        return new DecodeClient(seat, config, prefill, Optional.empty());
    }

    /**
     * Connects to a prefill node that shares a folder with this process.
     *
     * @param seat model, cache, threads
     * @param config paths, limits, security; its address and listener are replaced
     * @param prefill where the prefill node listens
     * @param folder where it saves for {@link TransferMode#FILE}
     * @return the client
     * @throws TransferException as {@link TransferNode#connect} does
     */
    public static DecodeClient connect(
            Seat seat, NodeConfig config, NodeAddress prefill, Path folder) {
        return new DecodeClient(seat, config, prefill, Optional.of(folder));
    }

    private static Peer connect(TransferNode node, NodeAddress prefill) {
        try {
            return node.connect(prefill).get(CONNECT.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof TransferException known
                    ? new TransferException(known.code(), known.getMessage(), known)
                    : new CompletionException(e.getCause());
        } catch (TimeoutException e) {
            throw new TransferException(
                    ErrorCode.UNREACHABLE,
                    prefill
                            + " did not answer within "
                            + CONNECT.toSeconds()
                            + " s; is a kvwire"
                            + " prefill listening there?",
                    e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TransferException(ErrorCode.CANCELLED, "interrupted while connecting", e);
        }
    }

    /** {@return how the prefill node is reached, and why} */
    public PathReport path() {
        return peer.path();
    }

    /**
     * Runs one prompt.
     *
     * @param prompt token ids, at least one
     * @param mode how its cache gets here
     * @param maxTokens the most tokens to make, at least 1
     * @param onToken learns of each token as soon as it is known
     * @return tokens and times
     * @throws TransferException when the prefill node refuses or is lost, or the transfer fails
     * @throws ModelException when prompt and continuation do not fit the model
     */
    public SplitRun run(int[] prompt, TransferMode mode, int maxTokens, IntConsumer onToken) {
        return run(prompt, mode, maxTokens, onToken, false);
    }

    /**
     * Has the prompt that was pushed or saved last handed over once more from where prefill's cache
     * still has it, without computing it; when another came between, it is computed.
     *
     * @param prompt token ids, at least one
     * @param mode how its cache gets here
     * @param maxTokens the most tokens to make, at least 1
     * @return tokens and times, without a timeline
     * @throws TransferException as {@link #run} does
     */
    public SplitRun handOver(int[] prompt, TransferMode mode, int maxTokens) {
        return run(prompt, mode, maxTokens, token -> {}, true);
    }

    private SplitRun run(
            int[] prompt, TransferMode mode, int maxTokens, IntConsumer onToken, boolean again) {
        requireRoom(prompt, maxTokens);
        long start = System.nanoTime();
        int needed = memory.layout().blocksFor(prompt.length + maxTokens - 1);
        var table =
                cache.allocate(needed)
                        .orElseThrow(() ->
                                new TransferException(
                                        ErrorCode.RESOURCE_EXHAUSTED,
                                        "this request needs "
                                                + needed
                                                + " blocks and the cache has "
                                                + cache.freeBlocks()
                                                + " free; raise --cache-tokens"));
        try {
            var arrival =
                    new Arrival(node, peer, cache, memory, answers)
                            .await(request(prompt, mode, table, again), table, folder);
            long known = System.nanoTime();
            int[] tokens =
                    new GreedyDecoding(llama, table.ids(), memory.paged())
                            .run(arrival.firstToken(), prompt.length, maxTokens, onToken);
            long end = System.nanoTime();
            var told = answers.told(arrival);
            var timeline =
                    again
                            ? Timeline.NONE
                            : timeline(arrival, told, prompt.length, start)
                                    .build(known - start, end - start);
            boolean overlaps = mode == TransferMode.LAYERWISE || mode == TransferMode.AUTO;
            return new SplitRun(
                    Arrays.stream(tokens).boxed().toList(),
                    known - start,
                    end - known,
                    arrival.finished().computeNanos(),
                    told.transferNanos(),
                    overlaps ? arrival.exposedNanos() : told.transferNanos(),
                    arrival.bytes(),
                    told.choices(),
                    timeline);
        } finally {
            var _ = cache.retire(table);
        }
    }

    private TimelineBuilder timeline(
            Arrival.Arrived arrival, Answers.Told told, int promptTokens, long start) {
        var finished = arrival.finished();
        var units =
                new TimelineBuilder.Units(
                        memory.layout().layers(), promptTokens, finished.chunkTokens());
        if (finished.unitNanos().size() != units.count()) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "the prefill node computed %d units of %d; run the same version on both hosts"
                            .formatted(finished.unitNanos().size(), units.count()));
        }
        return new TimelineBuilder(units, start, answers.clockOf(peer))
                .computed(finished.startNanos(), finished.unitNanos(), finished.computeNanos())
                .moved(told.stages(), arrival.stages());
    }

    private void requireRoom(int[] prompt, int maxTokens) {
        int longest = llama.config().maxPositions();
        if (prompt.length == 0 || maxTokens < 1 || maxTokens > longest - prompt.length + 1) {
            throw new ModelException(
                    prompt.length
                            + " prompt tokens and "
                            + maxTokens
                            + " to generate: need at least 1 of each, and the model has "
                            + longest
                            + " positions; shorten the prompt or lower --max-tokens");
        }
    }

    private SplitMessage.Prefill request(
            int[] prompt, TransferMode mode, BlockTable table, boolean again) {
        long id = ++lastRequest;
        return new SplitMessage.Prefill(
                id,
                mode,
                fingerprint,
                Arrays.stream(prompt).boxed().toList(),
                mode.pushes() ? SplitMessage.text(table) : "",
                mode == TransferMode.FILE ? "kv-" + Long.toUnsignedString(id, 36) : "",
                again);
    }

    @Override
    public void close() {
        node.close();
        llama.close();
        memory.close();
    }
}
