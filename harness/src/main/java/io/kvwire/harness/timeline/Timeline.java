package io.kvwire.harness.timeline;

import io.kvwire.transport.Overlap;

import java.util.List;
import java.util.function.Function;

/**
 * One run on the clock of decode, from the moment at which it asked. A plain value.
 *
 * @param units in the order of computing; empty where nothing is known of them
 * @param prefill from the beginning of computing to the first token
 * @param readyNanos when decode had the first token and the whole cache
 * @param endNanos when decode had made the last token
 * @param clockErrorNanos the most by which times of the other process may be wrong
 */
public record Timeline(
        List<UnitTimes> units, Span prefill, long readyNanos, long endNanos, long clockErrorNanos) {
    /** Nothing is known. */
    public static final Timeline NONE = new Timeline(List.of(), Span.NONE, 0, 0, 0);

    /** Copies the list. */
    public Timeline {
        units = List.copyOf(units);
    }

    /** {@return whether it is known when units were on the wire} */
    public boolean moved() {
        return units.stream().anyMatch(unit -> unit.wire().some());
    }

    /**
     * {@return the recursion over the units, with what each of them kept each stage busy; what is
     * computed after the last unit's K and V counts as one more, with nothing to move}
     *
     * @throws IllegalArgumentException when there are no units
     */
    public Overlap overlap() {
        if (units.isEmpty()) {
            throw new IllegalArgumentException("a run without units has no overlap");
        }
        long[] compute = busy(UnitTimes::compute);
        compute[units.size()] =
                Math.max(0, prefill.endNanos() - units.getLast().compute().endNanos());
        return Overlap.of(
                compute, busy(UnitTimes::encode), busy(UnitTimes::wire), busy(UnitTimes::decode));
    }

    private long[] busy(Function<UnitTimes, Span> stage) {
        long[] times = new long[units.size() + 1];
        for (int i = 0; i < units.size(); i++) {
            times[i] = stage.apply(units.get(i)).busyNanos();
        }
        return times;
    }
}
