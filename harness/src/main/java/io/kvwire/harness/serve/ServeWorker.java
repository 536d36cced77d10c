package io.kvwire.harness.serve;

import io.kvwire.harness.math.ElementType;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.split.CacheMemory;
import io.kvwire.harness.split.CacheShape;
import io.kvwire.transport.Access;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferNode;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;

/**
 * A worker: takes orders in lines, tells events in lines. One thread computes, one reads, one tells
 * how it is; events may come from any of them, one line at a time.
 */
final class ServeWorker {
    private static final long STATE_MILLIS = 50;

    private final PrintWriter out;

    ServeWorker(PrintWriter out) {
        this.out = out;
    }

    private synchronized void tell(ServeEvent event) {
        out.println(ServeJson.line(ServeEvent.class, event));
        out.flush();
    }

    void serve(LoadedModel model, int cacheTokens, NodeConfig config, BufferedReader in)
            throws IOException {
        var remote = new RemotePrefills();
        var llama = model.llama(LlamaOptions.defaults().withThreads(1));
        try (var memory = CacheMemory.allocate(model.config(), CacheShape.DEFAULT, cacheTokens);
                var node = TransferNode.start(config.withListener(remote));
                llama) {
            var cache = memory.register(node, RemotePrefills.CACHE, Access.REMOTE_WRITE);
            llama.warmUp(ElementType.BF16);
            var engine =
                    new Engine(
                            llama,
                            memory.paged(),
                            new PrefixCache(cache),
                            memory.blocks(),
                            this::tell);
            remote.start(node, cache, engine);
            run(engine, remote, node, in);
        }
    }

    private void run(Engine engine, RemotePrefills remote, TransferNode node, BufferedReader in)
            throws IOException {
        var computes = Thread.ofPlatform().name("kvwire-serve").start(engine::run);
        var tells = Thread.ofVirtual().start(() -> states(engine));
        tell(new ServeEvent.Ready(node.address().toString()));
        try {
            for (var line = in.readLine(); line != null; line = in.readLine()) {
                var order = ServeJson.parse(ServeOrder.class, line);
                engine.execute(() -> {
                    if (order.prefill().isEmpty()) {
                        engine.local(order);
                    } else {
                        engine.remote(order, seat -> remote.ask(order, seat));
                    }
                });
            }
        } finally {
            tells.interrupt();
            engine.close();
            join(computes);
        }
    }

    private void states(Engine engine) {
        try {
            while (true) {
                Thread.sleep(STATE_MILLIS);
                engine.execute(() -> tell(engine.state()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
