package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Point;
import io.kvwire.harness.perf.WarmUp;

import java.util.EnumSet;
import java.util.Set;
import java.util.function.DoubleConsumer;
import java.util.function.LongSupplier;

/**
 * Warms turns up: the first of each kind in a process until the compilers at work are quiet, which
 * ends that spin, and codecs, leave little time; later ones for a quarter of theirs. Confined to
 * one thread.
 */
final class FirstTurns {
    private static final double LEAST_SECONDS = 1;
    private static final double MOST_SECONDS = 2.5;

    private final Set<Point.Kind> seen = EnumSet.noneOf(Point.Kind.class);

    /**
     * Works before a turn.
     *
     * @param seconds of the turn
     * @param work takes so many seconds, about
     * @param compilerMillis how long the compilers of all processes at work have worked
     */
    void warmUp(Point point, double seconds, DoubleConsumer work, LongSupplier compilerMillis) {
        boolean first = !point.kind().coveredBy(seen);
        seen.add(point.kind());
        if (first) {
            WarmUp.run(LEAST_SECONDS, MOST_SECONDS, work, compilerMillis);
        } else {
            work.accept(seconds / 4);
        }
    }
}
