package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Json;
import io.kvwire.harness.bench.Point;
import io.kvwire.harness.bench.worker.TargetMessage.Op;
import io.kvwire.harness.perf.WarmUp;
import io.kvwire.transport.Access;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.NodeListener;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferNode;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Base64;

/** The end that data is written to. Confined to the thread that reads its orders. */
final class Target implements AutoCloseable {
    private final Link link;
    private TransferNode node;
    private TransferNode second;
    private BenchCache cache;
    private KvCache registered;
    private ProcessCost cost = ProcessCost.mark();
    private int caches;

    Target(Link link) {
        this.link = link;
    }

    /** Answers what comes back to be answered: the round trips of small messages. */
    private static final class Echo implements NodeListener {
        @Override
        public void notified(Peer peer, byte[] payload) {
            peer.notify(payload);
        }
    }

    void serve(BufferedReader in, PrintWriter out) throws IOException {
        for (var line = in.readLine(); line != null; line = in.readLine()) {
            out.println(Json.line(answer(TargetMessage.parse(line))));
            out.flush();
        }
    }

    private TargetMessage answer(TargetMessage order) {
        try {
            return switch (order.op()) {
                case START -> {
                    node = start("bench-target");
                    yield TargetMessage.ready(Op.START, node.address().toString(), null, null);
                }
                case SETUP -> setup(order.point());
                case MARK -> {
                    if (cache != null) {
                        cache.poison();
                    }
                    cost = ProcessCost.mark();
                    yield TargetMessage.of(Op.MARK);
                }
                case RESULT -> {
                    var used = cost.used();
                    boolean right = cache == null || cache.verify(order.requests(), link.exact());
                    yield TargetMessage.used(used, right);
                }
                case COMPILED -> TargetMessage.compiled(WarmUp.compilerMillis());
                case TEARDOWN -> {
                    teardown();
                    yield TargetMessage.of(Op.TEARDOWN);
                }
                case CHURN -> churn(order.point());
                case END_CHURN -> {
                    second.close();
                    yield TargetMessage.of(Op.END_CHURN);
                }
            };
        } catch (RuntimeException e) {
            return TargetMessage.failed(order.op(), String.valueOf(e.getMessage()));
        }
    }

    private TransferNode start(String name) {
        return TransferNode.start(link.config(name).withListener(new Echo()));
    }

    private TargetMessage setup(Point point) {
        teardown();
        cache = new BenchCache(point, false, link.path());
        var name = "bench-" + ++caches;
        registered = cache.register(node, name, Access.REMOTE_WRITE);
        return TargetMessage.ready(Op.SETUP, null, name, table());
    }

    /** Everything that a new peer needs before it can be written to, memory in hand. */
    private TargetMessage churn(Point point) {
        if (cache == null) {
            cache = new BenchCache(point, false, link.path());
            cache.poison();
        }
        second = start("bench-new-target");
        var fresh = cache.register(second, "bench-new", Access.REMOTE_WRITE);
        var table = fresh.table(cache.order());
        return TargetMessage.ready(
                Op.CHURN,
                second.address().toString(),
                "bench-new",
                Base64.getEncoder().encodeToString(table.encode()));
    }

    private String table() {
        return Base64.getEncoder().encodeToString(registered.table(cache.order()).encode());
    }

    private void teardown() {
        if (registered != null) {
            registered.deregister().join();
            registered = null;
        }
        if (cache != null) {
            cache.close();
            cache = null;
        }
    }

    @Override
    public void close() {
        if (node != null) {
            node.close();
        }
        if (cache != null) {
            cache.close();
        }
    }
}
