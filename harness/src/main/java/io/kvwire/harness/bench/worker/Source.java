package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Figures;
import io.kvwire.harness.bench.Point;
import io.kvwire.harness.bench.worker.TargetMessage.Op;
import io.kvwire.harness.perf.WarmUp;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * The end that writes, and that measures. Keeps the memory of the last point, since rounds come
 * back to it. Confined to one thread; owns its node and its memory.
 */
final class Source implements AutoCloseable {
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double NANOS_PER_MILLI = 1e6;

    private final Link link;
    private final TargetProcess target;
    private final Echoes echoes = new Echoes();
    private final TransferNode node;
    private final Peer peer;
    private Point current;
    private BenchCache cache;
    private KvCache registered;
    private Writes writes;
    private BenchCache churned;
    private final Fan fan;

    private final FirstTurns turns = new FirstTurns();

    Source(Link link, TargetProcess target) {
        this.link = link;
        this.target = target;
        fan = new Fan(link);
        var address = NodeAddress.parse(target.ask(TargetMessage.of(Op.START)).address());
        node = TransferNode.start(link.config("bench-source").connectOnly().withListener(echoes));
        try {
            peer = Writes.connect(node, address);
        } catch (RuntimeException e) {
            node.close();
            throw e;
        }
    }

    /** {@return which path it is} */
    String path() {
        return peer.path().path();
    }

    Figures measure(Point point, double seconds) {
        if (!point.kind().fan()) {
            fan.close();
        }
        return switch (point.kind()) {
            case BLOCKS, TRANSFER -> blocks(point, seconds);
            case MESSAGE -> messages(point, seconds);
            case CHURN -> churn(point, seconds);
            case MANY_TO_ONE, ONE_TO_MANY, ALL_TO_ALL -> {
                release();
                yield fan.measure(point, seconds);
            }
        };
    }

    // --- blocks ---------------------------------------------------------------------------------

    private Figures blocks(Point point, double seconds) {
        prepare(point);
        boolean timed = point.kind().timed();
        int depth = timed ? 1 : point.depth();
        turns.warmUp(
                point,
                seconds,
                slice -> writes.run(slice, depth, Writes.times()),
                this::compilerMillis);
        target.ask(TargetMessage.of(Op.MARK));
        var times = Writes.times();
        var cost = ProcessCost.mark();
        long start = System.nanoTime();
        long done = writes.run(seconds, depth, times);
        double took = (System.nanoTime() - start) / NANOS_PER_SECOND;
        var mine = cost.used();
        var theirs = target.ask(TargetMessage.result(done));
        return new Figures(
                done * point.requestBytes(),
                done,
                took,
                times.getValueAtPercentile(50) / 1e3,
                times.getValueAtPercentile(99) / 1e3,
                (mine.cpuNanos() + theirs.cpuNanos()) / NANOS_PER_SECOND,
                mine.peakBytes() + theirs.peakBytes(),
                theirs.verified(),
                link.exact() ? "" : "verified within the bound of INT8",
                Map.of());
    }

    private long compilerMillis() {
        return WarmUp.compilerMillis() + target.ask(TargetMessage.of(Op.COMPILED)).compilerMillis();
    }

    private void prepare(Point point) {
        if (point.equals(current)) {
            return;
        }
        release();
        var ready = target.ask(TargetMessage.of(Op.SETUP, point));
        cache = new BenchCache(point, true, link.path());
        cache.fill();
        registered = cache.register(node, "local-" + ready.cache(), Access.LOCAL);
        var to = new Writes.To(peer, ready.cache(), ready.table());
        writes = new Writes(point, cache, registered, List.of(to));
        current = point;
    }

    // --- messages -------------------------------------------------------------------------------

    private Figures messages(Point point, double seconds) {
        int bytes = point.tokens();
        target.ask(TargetMessage.of(Op.MARK));
        turns.warmUp(point, seconds, slice -> echoes.run(peer, bytes, slice), this::compilerMillis);
        var cost = ProcessCost.mark();
        long start = System.nanoTime();
        var times = echoes.run(peer, bytes, seconds);
        double took = (System.nanoTime() - start) / NANOS_PER_SECOND;
        var mine = cost.used();
        var theirs = target.ask(TargetMessage.result(0));
        return new Figures(
                times.getTotalCount() * bytes,
                times.getTotalCount(),
                took,
                times.getValueAtPercentile(50) / 1e3,
                times.getValueAtPercentile(99) / 1e3,
                (mine.cpuNanos() + theirs.cpuNanos()) / NANOS_PER_SECOND,
                mine.peakBytes() + theirs.peakBytes(),
                echoes.right(),
                "",
                Map.of());
    }

    // --- a new peer -----------------------------------------------------------------------------

    private Figures churn(Point point, double seconds) {
        if (churned == null) {
            release();
            churned = new BenchCache(point, true, link.path());
            churned.fill(1); // No more than the first is written.
        }
        // The first of them also gives the target its memory.
        turns.warmUp(point, seconds, slice -> firstTransfers(point, slice), this::compilerMillis);
        target.ask(TargetMessage.of(Op.MARK));
        var cost = ProcessCost.mark();
        var all = firstTransfers(point, seconds);
        var mine = cost.used();
        var theirs = target.ask(TargetMessage.result(1));
        var times = Writes.times();
        all.forEach(one -> times.recordValue(Math.round(total(one) * NANOS_PER_MILLI)));
        all.sort(Comparator.comparing(Source::total));
        return new Figures(
                all.size() * point.requestBytes(),
                all.size(),
                all.stream().mapToDouble(Source::total).sum() / 1e3,
                times.getValueAtPercentile(50) / 1e3,
                times.getValueAtPercentile(99) / 1e3,
                (mine.cpuNanos() + theirs.cpuNanos()) / NANOS_PER_SECOND,
                mine.peakBytes() + theirs.peakBytes(),
                theirs.verified(),
                "",
                all.get(all.size() / 2));
    }

    private static double total(Map<String, Double> partsMillis) {
        return partsMillis.values().stream().mapToDouble(Double::doubleValue).sum();
    }

    /** New peers, one after the other, for so long; at least one. */
    private List<Map<String, Double>> firstTransfers(Point point, double seconds) {
        var all = new ArrayList<Map<String, Double>>();
        long end = System.nanoTime() + (long) (seconds * NANOS_PER_SECOND);
        do {
            all.add(firstTransfer(point));
        } while (System.nanoTime() < end);
        return all;
    }

    private Map<String, Double> firstTransfer(Point point) {
        long start = System.nanoTime();
        var ready = target.ask(TargetMessage.of(Op.CHURN, point));
        try (var fresh = TransferNode.start(link.config("bench-new-source").connectOnly())) {
            var local = churned.register(fresh, "bench-new", Access.LOCAL);
            long registeredAt = System.nanoTime();
            var to = Writes.connect(fresh, NodeAddress.parse(ready.address()));
            long connected = System.nanoTime();
            var theirs = Writes.table(ready.table());
            var first =
                    BlockTransfer.of(
                            1,
                            local,
                            local.table(churned.order()),
                            to.cache(ready.cache()).orElseThrow(),
                            theirs,
                            point.tokens());
            to.write(first, TransferOptions.DEFAULT.withDeadline(Writes.PATIENCE))
                    .join(Writes.PATIENCE);
            long end = System.nanoTime();
            return Map.of(
                    "start and register", (registeredAt - start) / 1e6,
                    "connect", (connected - registeredAt) / 1e6,
                    "first block", (end - connected) / 1e6);
        } finally {
            target.ask(TargetMessage.of(Op.END_CHURN));
        }
    }

    private void release() {
        current = null;
        if (registered != null) {
            registered.deregister().join();
            registered = null;
            cache.close();
            cache = null;
            target.ask(TargetMessage.of(Op.TEARDOWN));
        }
        if (churned != null) {
            churned.close();
            churned = null;
            target.ask(TargetMessage.of(Op.TEARDOWN));
        }
    }

    @Override
    public void close() {
        fan.close();
        node.close();
        if (cache != null) {
            cache.close();
        }
        if (churned != null) {
            churned.close();
        }
    }
}
