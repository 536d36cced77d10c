package io.kvwire.harness.bench;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.ToDoubleFunction;

/**
 * Shares what is left of a run's time among the points that are left, by what turns have cost in
 * this very run: to set memory up and to compare it takes longer than to measure where a machine is
 * slow, and nobody can know how much longer before. Confined to one thread.
 */
final class Budget {
    /** A turn warms up for a quarter of its time first. */
    static final double WITH_WARM_UP = 1.25;

    /** A turn is not made shorter than this share of what was asked for. */
    static final double SHORTEST = 0.4;

    /** Below so many bytes, what a turn costs does not follow them. */
    private static final long LEAST_BYTES = 1 << 20;

    private final LongSupplier clock;
    private final long end;
    private final Map<String, Line> first = new HashMap<>();
    private final Map<String, Line> later = new HashMap<>();
    private final Set<String> refused = new HashSet<>();
    private double startSeconds;
    private int started;

    /**
     * What is to be measured still.
     *
     * @param point what
     * @param subjects that take turns at it
     */
    record Ahead(Point point, List<Subject> subjects) {
        Ahead {
            subjects = List.copyOf(subjects);
        }
    }

    /**
     * Seconds beside those that were ordered, over bytes at both ends: the least that was seen, and
     * the steepest growth from there.
     */
    private static final class Line {
        private double fixed = Double.POSITIVE_INFINITY;
        private double most;
        private long mostBytes = LEAST_BYTES;

        void learn(long bytes, double seconds) {
            fixed = Math.min(fixed, seconds);
            if (bytes >= mostBytes) {
                most = seconds;
                mostBytes = bytes;
            }
        }

        double predict(long bytes) {
            double growth = Math.max(0, most - fixed) / mostBytes;
            return fixed + growth * bytes;
        }
    }

    /**
     * @param clock nanoseconds
     * @param seconds from now on
     */
    Budget(LongSupplier clock, double seconds) {
        this.clock = clock;
        end = clock.getAsLong() + (long) (seconds * 1e9);
    }

    /** {@return seconds that are left; negative when the time is over} */
    double left() {
        return (end - clock.getAsLong()) / 1e9;
    }

    /** Learns what it took to start, or to warm up, some subjects. */
    void started(int subjects, double seconds) {
        started += subjects;
        startSeconds += seconds;
    }

    /** {@return what it will take to start or warm up so many more} */
    double toStart(int subjects) {
        return started == 0 ? 0 : subjects * startSeconds / started;
    }

    /** Learns what a turn took that was to last so many seconds. */
    void turned(Subject subject, Point point, boolean firstOfPoint, double ordered, double took) {
        double beside = Math.max(0, took - turnSeconds(ordered));
        (firstOfPoint ? first : later)
                .computeIfAbsent(key(subject, point), id -> new Line())
                .learn(point.memoryBytes(), beside);
    }

    /** The processes of a fan start with its first turn. */
    private static String key(Subject subject, Point point) {
        return subject.id() + (point.kind().fan() ? " fan" : "");
    }

    /** Learns that a subject has no such operation, so that its turns there cost nothing. */
    void refused(Subject subject, Point point) {
        refused.add(subject.id() + " " + point.kind());
    }

    private static double turnSeconds(double ordered) {
        return ordered * WITH_WARM_UP;
    }

    /** {@return what a first, or a later, round at a point will take} */
    double round(Ahead ahead, double seconds, boolean firstOfPoint) {
        return ahead.subjects().stream()
                .filter(s -> !refused.contains(s.id() + " " + ahead.point().kind()))
                .mapToDouble(s -> turnSeconds(seconds) + beside(s, ahead.point(), firstOfPoint))
                .sum();
    }

    private double beside(Subject subject, Point point, boolean firstOfPoint) {
        var known = firstOfPoint ? OptionalDouble.empty() : of(later, subject, point);
        // What sets memory up costs no less than what uses it again.
        var guess = known.isPresent() ? known : of(first, subject, point);
        return guess.orElseGet(() ->
                first.values().stream()
                        .mapToDouble(line -> line.predict(point.memoryBytes()))
                        .average()
                        .orElse(0));
    }

    private static OptionalDouble of(Map<String, Line> known, Subject subject, Point point) {
        var line = known.get(key(subject, point));
        return line == null
                ? OptionalDouble.empty()
                : OptionalDouble.of(line.predict(point.memoryBytes()));
    }

    /** {@return what all rounds at a point will take} */
    double all(Ahead ahead, double seconds, int rounds) {
        return round(ahead, seconds, true) + (rounds - 1) * round(ahead, seconds, false);
    }

    /**
     * {@return how long a turn may be, so that all points get one round}
     *
     * @param points that are left
     * @param wanted seconds of a turn
     * @param reserve seconds for what is no turn
     */
    double turn(List<Ahead> points, double wanted, double reserve) {
        double fixed = sum(points, p -> round(p, 0, true));
        double turns = sum(points, p -> round(p, wanted, true)) - fixed;
        if (turns == 0) {
            return wanted;
        }
        double share = (left() - reserve - fixed) / turns;
        return wanted * Math.clamp(share, SHORTEST, 1);
    }

    /**
     * {@return whether there is time for another round at the first of the points that are left:
     * when all of it fits, or, when each gets as much less than it needs, its share does}
     *
     * @param points that are left
     * @param seconds of a turn
     * @param roundsHere that the first of them still wants
     * @param rounds that the others want
     * @param spent seconds at the first of them so far
     * @param reserve seconds for what is no turn
     */
    boolean allows(
            List<Ahead> points,
            double seconds,
            int roundsHere,
            int rounds,
            double spent,
            double reserve) {
        double next = round(points.getFirst(), seconds, false);
        double others = sum(points.subList(1, points.size()), p -> all(p, seconds, rounds));
        double needed = roundsHere * next + others;
        double available = left() - reserve;
        if (needed <= available) {
            return true;
        }
        double share =
                (available + spent) * (spent + roundsHere * next) / Math.max(spent + needed, 1e-9);
        return spent + next <= share;
    }

    /** {@return what all of it will take, or what is left where that is less} */
    double remaining(List<Ahead> points, double seconds, int rounds, double reserve) {
        return Math.min(left(), reserve + sum(points, p -> all(p, seconds, rounds)));
    }

    private static double sum(List<Ahead> points, ToDoubleFunction<Ahead> seconds) {
        return points.stream().mapToDouble(seconds).sum();
    }
}
