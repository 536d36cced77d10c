package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Json;
import io.kvwire.harness.bench.Point;
import io.kvwire.harness.perf.WarmUp;
import io.kvwire.transport.Access;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferNode;

import org.HdrHistogram.Histogram;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * One of many ends: a node that sends, receives, or both. What every sender writes lands in memory
 * of its own. Confined to the thread that reads its orders.
 */
final class FanEnd implements AutoCloseable {
    private final Link link;
    private final TransferNode node;
    private final List<Memory> held = new ArrayList<>();
    private final Map<Integer, BenchCache> landings = new TreeMap<>();
    private final Map<String, Peer> peers = new HashMap<>();
    private Optional<Memory> source = Optional.empty();
    private Point point;
    private Writes writes;
    private ProcessCost cost = ProcessCost.mark();

    private record Memory(BenchCache cache, KvCache registered) {}

    FanEnd(Link link, int number) {
        this.link = link;
        node = TransferNode.start(link.config("bench-fan-" + number));
    }

    void serve(BufferedReader in, PrintWriter out) throws IOException {
        for (var line = in.readLine(); line != null; line = in.readLine()) {
            out.println(Json.line(answer(Json.parse(line, FanOrder.class))));
            out.flush();
        }
    }

    private FanAnswer answer(FanOrder order) {
        try {
            return switch (order) {
                case FanOrder.SetUp wanted -> setUp(wanted);
                case FanOrder.Connect to -> connect(to.targets());
                case FanOrder.Mark _ -> {
                    landings.values().forEach(BenchCache::poison);
                    cost = ProcessCost.mark();
                    yield new FanAnswer.Done();
                }
                case FanOrder.Compiled _ -> new FanAnswer.Compiled(WarmUp.compilerMillis());
                case FanOrder.Run run -> run(run.seconds());
                case FanOrder.Result result -> result(result.received());
            };
        } catch (RuntimeException e) {
            return new FanAnswer.Failed(String.valueOf(e.getMessage()));
        }
    }

    private FanAnswer setUp(FanOrder.SetUp wanted) {
        tearDown();
        point = wanted.point();
        if (wanted.sends()) {
            var memory = hold(true, "bench-out-" + wanted.serial());
            memory.cache().fill();
            source = Optional.of(memory);
        }
        Map<Integer, String> tables = new HashMap<>();
        for (int from : wanted.from()) {
            var memory = hold(false, cacheName(wanted.serial(), from));
            landings.put(from, memory.cache());
            var table = memory.registered().table(memory.cache().order());
            tables.put(from, Base64.getEncoder().encodeToString(table.encode()));
        }
        return new FanAnswer.Ready(node.address().toString(), tables);
    }

    /** {@return the name of what one end registers for another} */
    static String cacheName(int serial, int from) {
        return "bench-" + serial + "-from-" + from;
    }

    private Memory hold(boolean sends, String name) {
        var cache = new BenchCache(point, sends, link.path());
        var access = sends ? Access.LOCAL : Access.REMOTE_WRITE;
        var memory = new Memory(cache, cache.register(node, name, access));
        held.add(memory);
        return memory;
    }

    private FanAnswer connect(List<FanOrder.Target> targets) {
        var others = new ArrayList<Writes.To>();
        for (var target : targets) {
            var peer =
                    peers.computeIfAbsent(
                            target.address(),
                            address -> Writes.connect(node, NodeAddress.parse(address)));
            others.add(new Writes.To(peer, target.cache(), target.table()));
        }
        var from = source.orElseThrow();
        writes = new Writes(point, from.cache(), from.registered(), others);
        return new FanAnswer.Done();
    }

    private FanAnswer run(double seconds) {
        var times = Writes.times();
        long start = System.nanoTime();
        long done = writes.run(seconds, point.depth(), times);
        long took = System.nanoTime() - start;
        return new FanAnswer.Ran(writes.each(done), took, encode(times));
    }

    static String encode(Histogram times) {
        var buffer = ByteBuffer.allocate(times.getNeededByteBufferCapacity());
        int length = times.encodeIntoCompressedByteBuffer(buffer);
        return Base64.getEncoder().encodeToString(Arrays.copyOf(buffer.array(), length));
    }

    private FanAnswer result(Map<Integer, Long> received) {
        var used = cost.used();
        boolean right =
                received.entrySet().stream()
                        .allMatch(e -> landings.get(e.getKey()).verify(e.getValue(), link.exact()));
        return new FanAnswer.Used(used.cpuNanos(), used.peakBytes(), right);
    }

    private void tearDown() {
        writes = null;
        source = Optional.empty();
        landings.clear();
        for (var memory : held) {
            memory.registered().deregister().join();
            memory.cache().close();
        }
        held.clear();
    }

    @Override
    public void close() {
        node.close();
        held.forEach(memory -> memory.cache().close());
    }
}
