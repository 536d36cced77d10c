package io.kvwire.tck;

import io.kvwire.tck.fault.Fault;
import io.kvwire.transport.ErrorCode;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Random;
import java.util.function.Supplier;

/**
 * Runs random transfers under random faults for a given time, and checks every byte and every
 * resource.
 *
 * <p>The time is cut into rounds of about a second. A round draws two layouts, starts two nodes,
 * and lets several threads write, read and stream blocks between them, cancel some, and let others
 * meet their deadlines, while the injector breaks lanes and loses, delays, repeats and spoils
 * frames and messages; now and then a node dies and starts anew at its address. Whatever ends as
 * DONE is compared byte by byte; blocks that were taken back must stay as their owner left them. At
 * its end a round must leave no transfer, pinned block, lease, peer or thread; the whole run must
 * leave no file descriptor and no native memory.
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
            long reconnects,
            long restarts,
            Map<Fault, Long> faults) {

        /** Copies the maps. */
        public Report {
            failed = Map.copyOf(failed);
            faults = Map.copyOf(faults);
        }

        static Report none() {
            return new Report(0, 0, 0, Map.of(), 0, 0, 0, Map.of());
        }

        Report plus(Report other) {
            return new Report(
                    rounds + other.rounds,
                    done + other.done,
                    cancelled + other.cancelled,
                    sum(ErrorCode.class, failed, other.failed),
                    verifiedBytes + other.verifiedBytes,
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
        var report = round(); // so that what the first use of everything keeps is not called a leak
        var before = resources();
        long started = System.nanoTime();
        do {
            report = report.plus(round());
        } while (System.nanoTime() - started < duration.toNanos());
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

    private Report round() {
        long roundSeed = seeds.nextLong();
        try {
            return SoakRound.run(wires.get(), roundSeed);
        } catch (AssertionError | RuntimeException e) {
            throw new AssertionError(
                    e.getMessage() + "\n  seed of the run " + seed + ", of the round " + roundSeed,
                    e);
        }
    }
}
