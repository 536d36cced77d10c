package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Figures;
import io.kvwire.harness.bench.Point;
import io.kvwire.harness.bench.worker.TargetMessage.Op;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.Peer;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.HdrHistogram.Histogram;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.LockSupport;

/**
 * The end that writes, and that measures. Keeps the memory of the last point, since rounds come
 * back to it. Confined to one thread; owns its node and its memory.
 */
final class Source implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final long LONGEST_NANOS = PATIENCE.toNanos();
    private static final long POLL_NANOS = 100_000;
    private static final double NANOS_PER_SECOND = 1e9;

    private final Link link;
    private final TargetProcess target;
    private final Echoes echoes = new Echoes();
    private final TransferNode node;
    private final Peer peer;
    private Point current;
    private BenchCache cache;
    private KvCache registered;
    private BlockTransfer[] transfers = {};
    private BenchCache churned;

    Source(Link link, TargetProcess target) {
        this.link = link;
        this.target = target;
        var address = NodeAddress.parse(target.ask(TargetMessage.of(Op.START)).address());
        node = TransferNode.start(link.config("bench-source").connectOnly().withListener(echoes));
        try {
            peer = connect(node, address);
        } catch (RuntimeException e) {
            node.close();
            throw e;
        }
    }

    private static Peer connect(TransferNode from, NodeAddress address) {
        try {
            return from.connect(address).join();
        } catch (CompletionException e) {
            throw e.getCause() instanceof TransferException known ? known : e;
        }
    }

    /** {@return which path it is} */
    String path() {
        return peer.path().path();
    }

    Figures measure(Point point, double seconds) {
        return switch (point.kind()) {
            case BLOCKS, TRANSFER -> blocks(point, seconds);
            case MESSAGE -> messages(point, seconds);
            case CHURN -> churn(point);
        };
    }

    // --- blocks ---------------------------------------------------------------------------------

    private Figures blocks(Point point, double seconds) {
        prepare(point);
        boolean timed = point.kind().timed();
        run(seconds / 4, timed ? 1 : point.depth(), new Histogram(LONGEST_NANOS, 3));
        target.ask(TargetMessage.of(Op.MARK));
        var times = new Histogram(LONGEST_NANOS, 3);
        var cost = ProcessCost.mark();
        long start = System.nanoTime();
        long done = run(seconds, timed ? 1 : point.depth(), times);
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

    private void prepare(Point point) {
        if (point.equals(current)) {
            return;
        }
        release();
        var ready = target.ask(TargetMessage.of(Op.SETUP, point));
        cache = new BenchCache(point, true, link.path());
        cache.fill();
        registered = cache.register(node, "local-" + ready.cache(), Access.LOCAL);
        var remote = announced(ready.cache());
        transfers = new BlockTransfer[point.requests()];
        var theirs = BlockTable.decode(Base64.getDecoder().decode(ready.table()));
        for (int i = 0; i < transfers.length; i++) {
            transfers[i] = request(point, i, theirs, remote);
        }
        current = point;
    }

    /** The target's word over its pipe may overtake its announcement over the network. */
    private RemoteCache announced(String name) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (System.nanoTime() < end && peer.connected()) {
            var found = peer.cache(name);
            if (found.isPresent()) {
                return found.get();
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
        throw new TransferException(
                ErrorCode.UNKNOWN_REGION, "the target did not announce " + name);
    }

    private BlockTransfer request(Point point, int i, BlockTable theirs, RemoteCache remote) {
        int mine = cache.blocksPerRequest();
        int count = theirs.size() / point.requests();
        int[] ids = new int[count];
        int[] generations = new int[count];
        for (int j = 0; j < count; j++) {
            ids[j] = theirs.id(i * count + j);
            generations[j] = theirs.generation(i * count + j);
        }
        var local = registered.table(Arrays.copyOfRange(cache.order(), i * mine, (i + 1) * mine));
        var far = BlockTable.of(theirs.incarnation(), ids, generations);
        return BlockTransfer.of(i, registered, local, remote, far, point.tokens());
    }

    private long run(double seconds, int depth, Histogram times) {
        var options = TransferOptions.DEFAULT.withDeadline(PATIENCE);
        var inFlight = new ArrayDeque<Transfer>();
        long end = System.nanoTime() + (long) (seconds * NANOS_PER_SECOND);
        long done = 0;
        int next = 0;
        boolean more = true;
        boolean started = false;
        while (more || !inFlight.isEmpty()) {
            // At least one, however long it takes.
            more = !started || end > System.nanoTime();
            if (more && inFlight.size() < depth) {
                inFlight.add(peer.write(transfers[next], options));
                started = true;
                next = (next + 1) % transfers.length;
                continue;
            }
            if (inFlight.isEmpty()) {
                break;
            }
            var first = inFlight.remove();
            first.join(PATIENCE);
            times.recordValue(Math.min(LONGEST_NANOS, first.timing().totalNanos()));
            done++;
        }
        return done;
    }

    // --- messages -------------------------------------------------------------------------------

    private Figures messages(Point point, double seconds) {
        int bytes = point.tokens();
        target.ask(TargetMessage.of(Op.MARK));
        echoes.run(peer, bytes, seconds / 4);
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

    private Figures churn(Point point) {
        if (churned == null) {
            release();
            churned = new BenchCache(point, true, link.path());
            churned.fill();
            // Once, so that the target has its memory, too.
            firstTransfer(point);
        }
        target.ask(TargetMessage.of(Op.MARK));
        var cost = ProcessCost.mark();
        var parts = firstTransfer(point);
        var mine = cost.used();
        var theirs = target.ask(TargetMessage.result(1));
        double millis = parts.values().stream().mapToDouble(Double::doubleValue).sum();
        return new Figures(
                point.requestBytes(),
                1,
                millis / 1e3,
                millis * 1e3,
                millis * 1e3,
                (mine.cpuNanos() + theirs.cpuNanos()) / NANOS_PER_SECOND,
                mine.peakBytes() + theirs.peakBytes(),
                theirs.verified(),
                "",
                parts);
    }

    private Map<String, Double> firstTransfer(Point point) {
        long start = System.nanoTime();
        var ready = target.ask(TargetMessage.of(Op.CHURN, point));
        try (var fresh = TransferNode.start(link.config("bench-new-source").connectOnly())) {
            var local = churned.register(fresh, "bench-new", Access.LOCAL);
            long registeredAt = System.nanoTime();
            var to = connect(fresh, NodeAddress.parse(ready.address()));
            long connected = System.nanoTime();
            var theirs = BlockTable.decode(Base64.getDecoder().decode(ready.table()));
            var first =
                    BlockTransfer.of(
                            1,
                            local,
                            local.table(churned.order()),
                            to.cache(ready.cache()).orElseThrow(),
                            theirs,
                            point.tokens());
            to.write(first, TransferOptions.DEFAULT.withDeadline(PATIENCE)).join(PATIENCE);
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
        node.close();
        if (cache != null) {
            cache.close();
        }
        if (churned != null) {
            churned.close();
        }
    }
}
