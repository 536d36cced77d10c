package io.kvwire.harness.timeline;

import io.kvwire.transport.Overlap;

import java.util.List;

/**
 * How much of a transfer computing hid, beside what it could have hidden. In JSON under the names
 * of the components; times in milliseconds from the moment at which decode asked.
 *
 * @param against empty for no figures; {@code bulk}: the recursion over the times of a run in bulk
 *     on the same link, where nothing disturbs anything; {@code run}: over those of this run itself
 * @param bulkMillis TTFT if everything happens one after the other
 * @param idealMillis TTFT if everything overlaps that the order allows
 * @param observedMillis TTFT as it was
 * @param hideableShare of the transfer, that the ideal hides
 * @param unseenShare of the transfer, that TTFT did not show
 * @param hiddenShare the one by the other: {@code (bulk - observed) / (bulk - ideal)}
 * @param efficiency ideal by observed
 * @param clockErrorMicros the most by which times of prefill may be off those of decode
 * @param units of the run, in the order of computing
 */
public record OverlapFigures(
        String against,
        double bulkMillis,
        double idealMillis,
        double observedMillis,
        double hideableShare,
        double unseenShare,
        double hiddenShare,
        double efficiency,
        double clockErrorMicros,
        List<Unit> units) {
    /** Of a run that moved nothing unit by unit. */
    public static final OverlapFigures NONE =
            new OverlapFigures("", 0, 0, 0, 0, 0, 0, 0, 0, List.of());

    /** Copies the list. */
    public OverlapFigures {
        units = List.copyOf(units);
    }

    /**
     * One unit; a stage that it did not go through has zeros.
     *
     * @param layer from 0
     * @param firstToken first token of the chunk
     * @param tokens of the chunk
     * @param compute until K and V were final
     * @param encode gathering or encoding
     * @param wire from being given to the wire to its last byte at the target
     * @param decode at the target
     */
    public record Unit(
            int layer,
            int firstToken,
            int tokens,
            Stage compute,
            Stage encode,
            Stage wire,
            Stage decode) {
        private static Unit of(UnitTimes times) {
            return new Unit(
                    times.layer(),
                    times.firstToken(),
                    times.tokens(),
                    Stage.of(times.compute()),
                    Stage.of(times.encode()),
                    Stage.of(times.wire()),
                    Stage.of(times.decode()));
        }
    }

    /**
     * One stage of one unit.
     *
     * @param startMillis since decode asked
     * @param endMillis since decode asked
     * @param busyMillis see {@link Span#busyNanos()}
     */
    public record Stage(double startMillis, double endMillis, double busyMillis) {
        private static Stage of(Span span) {
            return new Stage(
                    span.startNanos() / 1e6, span.endNanos() / 1e6, span.busyNanos() / 1e6);
        }
    }

    /**
     * {@return the figures of a run by itself; {@link #NONE} unless it moved units}
     *
     * @param run any
     */
    public static OverlapFigures of(Timeline run) {
        return run.moved() ? of("run", run.overlap(), run.prefill().startNanos(), run) : NONE;
    }

    /**
     * {@return the figures of a run beside one in bulk on the same link}
     *
     * @param run with units
     * @param bulk with units
     */
    public static OverlapFigures of(Timeline run, Timeline bulk) {
        var recursion = bulk.overlap();
        // What a run costs beside its stages, asking say, does not depend on what overlaps.
        return of("bulk", recursion, bulk.readyNanos() - recursion.bulk(), run);
    }

    private static OverlapFigures of(String against, Overlap overlap, long rest, Timeline run) {
        long observed = run.readyNanos() - rest;
        return new OverlapFigures(
                against,
                (overlap.bulk() + rest) / 1e6,
                (overlap.ideal() + rest) / 1e6,
                run.readyNanos() / 1e6,
                overlap.hideableShare(),
                overlap.unseenShare(observed),
                overlap.hiddenShare(observed),
                (double) (overlap.ideal() + rest) / Math.max(1, run.readyNanos()),
                run.clockErrorNanos() / 1e3,
                run.units().stream().map(Unit::of).toList());
    }
}
