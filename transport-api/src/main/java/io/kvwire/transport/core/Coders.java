package io.kvwire.transport.core;

import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;

import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * The codecs of a node and the threads that encode and decode for all its peers, never those of a
 * wire. What waits for a thread is bounded by the staging of each connection. Thread-safe.
 */
final class Coders {
    private static final System.Logger LOG = System.getLogger("io.kvwire.transport");

    private static final int IDLE_SECONDS = 5;

    private final CodecConfig config;
    private final String node;
    private final List<KvCodecProvider> providers;
    private final ThreadPoolExecutor threads;
    private final Map<String, TrialNews> trials = new ConcurrentHashMap<>();

    /** A thread that encodes and decodes. */
    private static final class Coder extends Thread {
        Coder(Runnable work, String name) {
            super(work, name);
            setDaemon(true);
        }
    }

    /**
     * Checks that the codecs that the node names are there.
     *
     * @throws TransferException with OUT_OF_RANGE, naming what there is
     */
    Coders(NodeConfig node, List<KvCodecProvider> providers) {
        config = node.codec();
        this.node = node.name();
        this.providers = providers;
        for (var name : config.names()) {
            if (!name.equals(CodecConfig.RAW_NAME)) {
                create(name, config.model());
            }
        }
        var number = new AtomicInteger();
        threads =
                new ThreadPoolExecutor(
                        config.threads(),
                        config.threads(),
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        work ->
                                new Coder(
                                        work,
                                        "kvwire-"
                                                + node.name()
                                                + "-codec-"
                                                + number.getAndIncrement()));
        threads.allowCoreThreadTimeOut(true);
        config.names().stream()
                .takeWhile(name -> !name.equals(CodecConfig.RAW_NAME))
                .forEach(this::prepare);
    }

    CodecConfig config() {
        return config;
    }

    /** Makes a codec for one thread at a time. */
    KvCodec create(String name, KvModel model) {
        var provider =
                providers.stream()
                        .filter(candidate -> candidate.name().equals(name))
                        .findFirst()
                        .orElseThrow(() ->
                                new TransferException(
                                        ErrorCode.OUT_OF_RANGE,
                                        "no codec '%s' is on the module path; there are %s"
                                                .formatted(
                                                        name,
                                                        providers.stream()
                                                                .map(KvCodecProvider::name)
                                                                .toList())));
        try {
            return provider.create(model, config.options(name));
        } catch (IllegalArgumentException e) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE, "codec '" + name + "': " + e.getMessage(), e);
        }
    }

    /**
     * Tries a codec once, and so has it compiled before the first transfer. Those that the node
     * lists before raw are tried at its start; others, which take part only where a peer asks for
     * them, when one does: a trial costs a core for a second or so.
     */
    void prepare(String name) {
        var news = new TrialNews();
        if (trials.putIfAbsent(name, news) == null) {
            beside(name, codec -> CodecTrial.run(codec, threads::isShutdown, news::tell));
        }
    }

    /** Lets the codecs prepare for frames of a cache, before the first of them. */
    void expect(KvLayout layout) {
        trials.keySet().forEach(name -> beside(name, codec -> CodecTrial.show(codec, layout)));
    }

    /** Works with a codec on a thread of its own: those of this pool are for frames. */
    private void beside(String name, Consumer<KvCodec> work) {
        Thread.ofPlatform()
                .daemon()
                .name("kvwire-" + node + "-codec-trial")
                .start(() -> {
                    try {
                        work.accept(create(name, config.model()));
                    } catch (RuntimeException e) {
                        LOG.log(
                                System.Logger.Level.WARNING,
                                "codec '" + name + "' cannot be tried",
                                e);
                    }
                });
    }

    /** What there is to hear of the trial of a codec that was prepared. */
    TrialNews news(String name) {
        return trials.get(name);
    }

    /** Runs work that encodes or decodes; false when the node is closed. */
    boolean run(Runnable work) {
        try {
            threads.execute(work);
            return true;
        } catch (RejectedExecutionException e) {
            return false;
        }
    }

    /**
     * Ends the threads once what they have begun, and what waits for them, is over: until then they
     * touch blocks. Does not wait when one of them is the caller.
     */
    void close() {
        threads.shutdown();
        if (Thread.currentThread() instanceof Coder) {
            return;
        }
        try {
            while (!threads.awaitTermination(1, TimeUnit.SECONDS)) {
                LOG.log(System.Logger.Level.WARNING, "waiting for a codec to end");
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
