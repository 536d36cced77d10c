package io.kvwire.harness.split;

import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.transport.Access;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The prefill half: computes the prompts that decode nodes send, and delivers their KV cache.
 *
 * <p>Owns a {@link TransferNode}, the cache's memory and one thread that computes; requests wait
 * their turn in a bounded queue. Thread-safe. What fails is told to the decode node that asked; the
 * server goes on.
 *
 * {@snippet :
 * try (var server = PrefillServer.start(Seat.of(model), NodeConfig.named("prefill"), Optional.empty())) {
 *     System.out.println("listening on " + server.address());
 *     Thread.currentThread().join();
 * }
 * }
 */
public final class PrefillServer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(PrefillServer.class);
    private static final int QUEUED_REQUESTS = 256;

    private final CacheMemory memory;
    private final LlamaRunner llama;
    private final String fingerprint;
    private final ThreadPoolExecutor worker;
    private final ConcurrentMap<LeasedRequest.Name, LeasedRequest> leased =
            new ConcurrentHashMap<>();
    private final PrefillJob job;
    private final TransferNode node;

    private PrefillServer(Seat seat, NodeConfig config, Optional<Path> folder) {
        llama = seat.runner();
        fingerprint = seat.fingerprint();
        memory = seat.memory();
        worker =
                new ThreadPoolExecutor(
                        1,
                        1,
                        0,
                        TimeUnit.SECONDS,
                        new ArrayBlockingQueue<>(QUEUED_REQUESTS),
                        Thread.ofPlatform().name("kvwire-prefill").factory());
        try {
            node = TransferNode.start(config.withListener(new Requests()));
        } catch (RuntimeException | Error e) {
            release();
            throw e;
        }
        KvCache cache;
        try {
            cache = memory.register(node, Seat.CACHE, Access.REMOTE_READ);
        } catch (RuntimeException | Error e) {
            node.close();
            release();
            throw e;
        }
        var files = folder.map(path -> new FileFolder(path, config.codec()));
        job = new PrefillJob(llama, memory, cache, fingerprint, files, leased);
        ready = true;
    }

    private volatile boolean ready;

    /**
     * Starts to serve.
     *
     * @param seat model, cache, threads
     * @param config where to listen, paths, limits; its listener is replaced
     * @param folder where {@link TransferMode#FILE} may save; empty to refuse that mode
     * @return the server
     * @throws TransferException as {@link TransferNode#start(NodeConfig)} does
     */
    public static PrefillServer start(Seat seat, NodeConfig config, Optional<Path> folder) {
        return new PrefillServer(seat, config, folder);
    }

    /** {@return where it listens} */
    public NodeAddress address() {
        return node.address();
    }

    /** {@return a name of what its model computes, the same in each process that runs it} */
    public String fingerprint() {
        return fingerprint;
    }

    /** {@return the layout of its cache, in one line} */
    public String describe() {
        return memory.layout().describe();
    }

    /** Ends all requests and gives everything back. */
    @Override
    public void close() {
        worker.shutdownNow();
        leased.values().forEach(LeasedRequest::end);
        node.close();
        release();
    }

    private void release() {
        worker.shutdown();
        try {
            // A layer of the largest model here takes well under a second.
            if (!worker.awaitTermination(60, TimeUnit.SECONDS)) {
                LOG.warn("a prefill still computes after a minute; its memory is not given back");
                return;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return;
        }
        llama.close();
        memory.close();
    }

    /** Called by the wire's threads: takes requests in and returns at once. */
    private final class Requests implements NodeListener {
        @Override
        public void notified(Peer peer, byte[] payload) {
            SplitMessage message;
            try {
                message = SplitMessage.decode(payload);
            } catch (TransferException e) {
                LOG.warn("{}: {}", peer.name(), e.getMessage());
                return;
            }
            switch (message) {
                case SplitMessage.Prefill request -> submit(peer, request);
                case SplitMessage.Pulled pulled -> {
                    var done = leased.remove(new LeasedRequest.Name(peer, pulled.requestId()));
                    if (done != null) {
                        done.end();
                    }
                }
                case SplitMessage.Clock asked ->
                        peer.notify(
                                new SplitMessage.Clock(
                                                asked.requestId(),
                                                asked.askedNanos(),
                                                System.nanoTime())
                                        .encode());
                default -> LOG.warn("{} sent a {}, not a request", peer.name(), message);
            }
        }

        @Override
        public void disconnected(Peer peer, TransferException reason) {
            leased.entrySet()
                    .removeIf(entry -> {
                        boolean theirs = entry.getKey().peer() == peer;
                        if (theirs) {
                            entry.getValue().end();
                        }
                        return theirs;
                    });
        }

        private void submit(Peer peer, SplitMessage.Prefill request) {
            try {
                if (!ready) {
                    throw new RejectedExecutionException("still starting");
                }
                worker.execute(() -> job.run(peer, request));
            } catch (RejectedExecutionException e) {
                PrefillJob.refuse(
                        peer,
                        request,
                        new TransferException(
                                ErrorCode.RESOURCE_EXHAUSTED,
                                "the prefill node has "
                                        + QUEUED_REQUESTS
                                        + " requests waiting or is stopping; ask again later",
                                e));
            }
        }
    }

    /** The longest time that a transfer may take, its computing included. */
    static final Duration DEADLINE = Duration.ofMinutes(10);
}
