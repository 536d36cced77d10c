package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Point;
import io.kvwire.harness.perf.WarmUp;

import java.util.EnumSet;
import java.util.Set;
import java.util.function.DoubleConsumer;

/**
 * Warms turns up: the first of each kind in a process until its compiler is quiet, which ends that
 * spin, and codecs, leave little time; later ones for a quarter of theirs. Confined to one thread.
 */
final class FirstTurns {
    private static final double LEAST_SECONDS = 1;
    private static final double MOST_SECONDS = 5;

    private final Set<Point.Kind> seen = EnumSet.noneOf(Point.Kind.class);

    /**
     * Works before a turn.
     *
     * @param seconds of the turn
     * @param work takes so many seconds, about
     */
    void warmUp(Point point, double seconds, DoubleConsumer work) {
        if (seen.add(point.kind())) {
            WarmUp.run(LEAST_SECONDS, MOST_SECONDS, work);
        } else {
            work.accept(seconds / 4);
        }
    }
}
