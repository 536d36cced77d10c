package io.kvwire.tck;

import io.kvwire.tck.fault.Fault;
import io.kvwire.transport.ErrorCode;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Runs random transfers under random faults for a given time, and checks every byte and every
 * resource.
 *
 * <p>The time is cut into rounds of about a second. A round draws two layouts, starts two nodes,
 * and lets several threads write, read and stream blocks between them, cancel some, and let others
 * meet their deadlines, while the injector breaks lanes and loses, delays, repeats and spoils
 * frames and messages; now and then a node dies and starts anew at its address. Whatever ends as
 * DONE is compared byte by byte; blocks that were taken back must stay as their owner left them.
 * Strided ranges of raw bytes go between regions beside the blocks. At its end a round must leave
 * no transfer, pinned block, lease or peer. One more pair of nodes lives through the whole run,
 * under faults of its own, and connects again whenever it is cut off. The run must leave no thread,
 * file descriptor or native memory.
 *
 * <p>Not thread-safe. A violation is thrown as an {@link AssertionError} that names the seed.
 *
 * {@snippet :
 * var report = new Soak(MemoryWire::new, 42).run(Duration.ofMinutes(10));
 * System.out.println(report);
 * }
 */
public final class Soak {
    private final Supplier<WireUnderTest> wires;
    private final Random seeds;
    private final long seed;

    /**
     * What a run has done.
     *
     * @param rounds pairs of nodes
     * @param done transfers that ended well, each compared byte by byte
     * @param cancelled transfers that were withdrawn
     * @param failed transfers that failed, by code
     * @param verifiedBytes that were compared
     * @param regionBytes those of them that went between regions
     * @param reconnects connections made after one was lost
     * @param restarts nodes that died and started anew at their address
     * @param faults how often each fault struck
     */
    public record Report(
            int rounds,
            long done,
            long cancelled,
            Map<ErrorCode, Long> failed,
            long verifiedBytes,
            long regionBytes,
            long reconnects,
            long restarts,
            Map<Fault, Long> faults) {

        /** Copies the maps. */
        public Report {
            failed = Map.copyOf(failed);
            faults = Map.copyOf(faults);
        }

        static Report none() {
            return new Report(0, 0, 0, Map.of(), 0, 0, 0, 0, Map.of());
        }

        Report plus(Report other) {
            return new Report(
                    rounds + other.rounds,
                    done + other.done,
                    cancelled + other.cancelled,
                    sum(ErrorCode.class, failed, other.failed),
                    verifiedBytes + other.verifiedBytes,
                    regionBytes + other.regionBytes,
                    reconnects + other.reconnects,
                    restarts + other.restarts,
                    sum(Fault.class, faults, other.faults));
        }

        private static <E extends Enum<E>> Map<E, Long> sum(
                Class<E> type, Map<E, Long> first, Map<E, Long> second) {
            var sum = new EnumMap<E, Long>(type);
            sum.putAll(first);
            second.forEach((key, count) -> sum.merge(key, count, Long::sum));
            return sum;
        }
    }

    /**
     * Prepares a run.
     *
     * @param wires makes the wire of each round
     * @param seed of all that is random
     */
    public Soak(Supplier<WireUnderTest> wires, long seed) {
        this.wires = wires;
        this.seed = seed;
        seeds = new Random(seed);
    }

    /**
     * Runs for a time, and then ends the round that it is in.
     *
     * @param duration how long
     * @return what was done
     * @throws AssertionError when a byte was wrong, a transfer did not end or something leaked
     */
    public Report run(Duration duration) {
        // So that what the first use of everything keeps is not called a leak.
        var report = round(true);
        var before = resources();
        var threads = liveThreads();
        var over = new AtomicBoolean();
        long lastingSeed = seeds.nextLong();
        var lasting =
                inThread(() ->
                        run(lastingSeed, wire -> SoakRound.last(wire, lastingSeed, over::get)));
        try {
            long started = System.nanoTime();
            do {
                report = report.plus(round(false));
            } while (System.nanoTime() - started < duration.toNanos() && !lasting.isDone());
        } finally {
            over.set(true);
        }
        report = report.plus(Waits.get("the end of the pair of nodes that lasts", lasting));
        threads.assertNoneLeft();
        Waits.until(
                () -> "what is held now, " + resources() + ", is no more than before, " + before,
                () -> resources().within(before));
        return report;
    }

    private ResourceUse resources() {
        try (var wire = wires.get()) {
            return ResourceUse.now(wire);
        }
    }

    private LiveThreads liveThreads() {
        try (var wire = wires.get()) {
            return LiveThreads.now(wire.sharedThreads());
        }
    }

    private static CompletableFuture<Report> inThread(Supplier<Report> work) {
        var result = new CompletableFuture<Report>();
        Thread.ofPlatform()
                .daemon()
                .name("soak-lasting")
                .start(() -> {
                    try {
                        result.complete(work.get());
                    } catch (AssertionError | RuntimeException e) {
                        result.completeExceptionally(e);
                    }
                });
        return result;
    }

    private Report round(boolean alone) {
        long roundSeed = seeds.nextLong();
        return run(roundSeed, wire -> SoakRound.run(wire, roundSeed, alone));
    }

    private Report run(long roundSeed, Function<WireUnderTest, Report> round) {
        try {
            return round.apply(wires.get());
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(
                    e.getMessage() + "\n  seed of the run " + seed + ", of the round " + roundSeed,
                    e);
        }
    }
}
