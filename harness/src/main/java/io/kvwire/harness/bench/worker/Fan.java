package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Figures;
import io.kvwire.harness.bench.Json;
import io.kvwire.harness.bench.Point;
import io.kvwire.harness.demo.ChildJvm;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.HdrHistogram.Histogram;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.DataFormatException;

/**
 * Many processes that write to each other at once. The processes stay for the next point with as
 * many. Confined to one thread; owns the processes.
 */
final class Fan implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private final Link link;
    private FirstTurns turns = new FirstTurns();
    private final List<ChildJvm> ends = new ArrayList<>();
    private Point current;
    private int serial;

    Fan(Link link) {
        this.link = link;
    }

    Figures measure(Point point, double seconds) {
        prepare(point);
        turns.warmUp(point, seconds, this::run, this::compilerMillis);
        ask(orders(end -> new FanOrder.Mark()));
        var ran = run(seconds);
        Map<Integer, Map<Integer, Long>> received = new HashMap<>();
        long requests = 0;
        for (var flow : point.flows()) {
            int index = targets(flow.from()).indexOf(flow.to());
            long count = ran.get(flow.from()).requests().get(index);
            received.computeIfAbsent(flow.to(), to -> new HashMap<>()).put(flow.from(), count);
            requests += count;
        }
        var used =
                ask(orders(end -> new FanOrder.Result(received.getOrDefault(end, Map.of()))))
                        .values()
                        .stream()
                        .map(FanAnswer.Used.class::cast)
                        .toList();
        var times = Writes.times();
        ran.values().forEach(one -> times.add(decode(one.times())));
        return new Figures(
                requests * point.requestBytes(),
                requests,
                ran.values().stream().mapToLong(FanAnswer.Ran::nanos).max().orElse(0) / 1e9,
                times.getValueAtPercentile(50) / 1e3,
                times.getValueAtPercentile(99) / 1e3,
                used.stream().mapToLong(FanAnswer.Used::cpuNanos).sum() / 1e9,
                used.stream().mapToLong(FanAnswer.Used::peakBytes).sum(),
                used.stream().allMatch(FanAnswer.Used::verified),
                "",
                Map.of());
    }

    private long compilerMillis() {
        return ask(orders(end -> new FanOrder.Compiled())).values().stream()
                .mapToLong(answer -> ((FanAnswer.Compiled) answer).millis())
                .sum();
    }

    private Map<Integer, FanAnswer.Ran> run(double seconds) {
        Map<Integer, FanAnswer.Ran> ran = new TreeMap<>();
        ask(ofSenders(end -> new FanOrder.Run(seconds)))
                .forEach((end, answer) -> ran.put(end, (FanAnswer.Ran) answer));
        return ran;
    }

    private void prepare(Point point) {
        if (point.equals(current)) {
            return;
        }
        if (ends.size() != point.processes()) {
            close();
            turns = new FirstTurns();
            IntStream.range(0, point.processes()).forEach(i -> ends.add(start(i)));
        }
        current = point;
        serial++;
        var ready =
                ask(
                        orders(end ->
                                new FanOrder.SetUp(
                                        serial, point, !targets(end).isEmpty(), senders(end))));
        ask(
                ofSenders(end ->
                        new FanOrder.Connect(
                                targets(end).stream()
                                        .map(to -> target(end, to, (FanAnswer.Ready) ready.get(to)))
                                        .toList())));
    }

    private FanOrder.Target target(int from, int to, FanAnswer.Ready ready) {
        return new FanOrder.Target(
                to, ready.address(), FanEnd.cacheName(serial, from), ready.tables().get(from));
    }

    private ChildJvm start(int number) {
        return ChildJvm.start(
                "bench end " + number,
                List.of(),
                false,
                Stream.of(List.of("bench-worker", "--end", Integer.toString(number)), link.words())
                        .flatMap(List::stream)
                        .toList());
    }

    private List<Integer> targets(int end) {
        return current.flows().stream().filter(f -> f.from() == end).map(Point.Flow::to).toList();
    }

    private List<Integer> senders(int end) {
        return current.flows().stream().filter(f -> f.to() == end).map(Point.Flow::from).toList();
    }

    private Map<Integer, FanOrder> orders(IntFunction<FanOrder> order) {
        Map<Integer, FanOrder> orders = new TreeMap<>();
        IntStream.range(0, ends.size()).forEach(end -> orders.put(end, order.apply(end)));
        return orders;
    }

    private Map<Integer, FanOrder> ofSenders(IntFunction<FanOrder> order) {
        var orders = orders(order);
        orders.keySet().removeIf(end -> targets(end).isEmpty());
        return orders;
    }

    /** Tells all of them, then waits for all of them. */
    private Map<Integer, FanAnswer> ask(Map<Integer, FanOrder> orders) {
        Map<Integer, FanAnswer> answers = new TreeMap<>();
        try {
            orders.forEach((end, order) -> ends.get(end).send(Json.line(order)));
            for (int end : orders.keySet()) {
                var line = ends.get(end).receive(PATIENCE);
                answers.put(end, Json.parse(line, FanAnswer.class));
            }
        } catch (TransferException e) {
            close(); // Others may still answer what nobody waits for any more.
            throw e;
        }
        answers.forEach((end, answer) -> {
            if (answer instanceof FanAnswer.Failed failed) {
                current = null;
                throw new TransferException(ErrorCode.REFUSED, "end " + end + ": " + failed.why());
            }
        });
        return answers;
    }

    private static Histogram decode(String base64) {
        try {
            var bytes = ByteBuffer.wrap(Base64.getDecoder().decode(base64));
            return Histogram.decodeFromCompressedByteBuffer(bytes, 0);
        } catch (DataFormatException e) {
            throw new IllegalArgumentException("an end sent no histogram", e);
        }
    }

    @Override
    public void close() {
        current = null;
        ends.forEach(ChildJvm::close);
        ends.clear();
    }
}
