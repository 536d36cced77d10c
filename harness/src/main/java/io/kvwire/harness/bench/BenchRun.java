package io.kvwire.harness.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * One run: starts the adapters, measures every point in rounds that take turns, and sums up.
 * Confined to one thread.
 */
final class BenchRun {
    private static final double WARM_UP_SECONDS = 1;

    private final Plan plan;
    private final Consumer<String> progress;
    private int planned;
    private final List<String> leftOut = new ArrayList<>();
    private final Map<Subject, Adapter> adapters = new LinkedHashMap<>();
    private final Map<Subject, BenchReport.Taker> takers = new HashMap<>();

    /**
     * What to measure, and how hard.
     *
     * @param home folder of the checkout
     * @param folder for files, deleted afterwards by the caller
     * @param workloads in the order of measuring
     * @param subjects in the order of a round
     * @param quick whether to take the quick points alone
     * @param rounds of each point
     * @param seconds of each subject in each round
     * @param budgetSeconds after which points are left out, and named
     * @param memoryBytes that both ends together may take
     * @param verbose whether to show what adapters say
     */
    record Plan(
            Path home,
            Path folder,
            List<Workload> workloads,
            List<Subject> subjects,
            boolean quick,
            int rounds,
            double seconds,
            double budgetSeconds,
            long memoryBytes,
            boolean verbose) {}

    /** What a run gives, without date, machine and command line. */
    record Outcome(
            List<BenchReport.Taker> takers,
            List<BenchReport.Row> rows,
            List<BenchReport.Comparison> comparisons,
            List<String> leftOut) {}

    BenchRun(Plan plan, Consumer<String> progress) {
        this.plan = plan;
        this.progress = progress;
    }

    Outcome run(Reasons reasons) {
        long end = System.nanoTime() + (long) (plan.budgetSeconds() * 1e9);
        var rows = new ArrayList<BenchReport.Row>();
        planned = plan.workloads().stream().mapToInt(w -> w.expand(plan.quick()).size()).sum();
        int measured = 0;
        try {
            for (var workload : plan.workloads()) {
                start(workload.name());
                var points = workload.expand(plan.quick());
                warmUp(points);
                for (var point : points) {
                    if (fits(point) && inTime(point, end)) {
                        rows.addAll(measure(point, rounds(end, planned - measured)));
                    }
                    measured++;
                }
                endThoseOf(workload.name());
            }
            return new Outcome(
                    plan.subjects().stream().map(takers::get).filter(Objects::nonNull).toList(),
                    rows,
                    compare(rows, reasons),
                    List.copyOf(leftOut));
        } finally {
            adapters.values().forEach(Adapter::close);
        }
    }

    /** One round alone when the points that are left would otherwise not get their turn. */
    private int rounds(long end, int pointsLeft) {
        double left = (end - System.nanoTime()) / 1e9;
        return left < plan.budgetSeconds() * pointsLeft / planned ? 1 : plan.rounds();
    }

    /** Starts the adapters of a workload that do not run yet. */
    private void start(String workload) {
        var python = Adapter.python(plan.home());
        for (var subject : plan.subjects()) {
            if (subject.takesPartIn(workload) && !adapters.containsKey(subject)) {
                progress.accept("starting " + subject.id());
                var adapter =
                        Adapter.start(subject, plan.home(), python, plan.folder(), plan.verbose());
                adapter.sleep();
                adapters.put(subject, adapter);
                takers.put(subject, taker(adapter));
            }
        }
    }

    /** Ends the adapters that poll even when nobody asks them for anything. */
    private void endThoseOf(String workload) {
        adapters.entrySet()
                .removeIf(entry -> {
                    boolean over = entry.getKey().workloads().equals(Set.of(workload));
                    if (over) {
                        entry.getValue().close();
                    }
                    return over;
                });
    }

    private boolean fits(Point point) {
        long needed = 2 * point.workingSetBytes();
        boolean fits = needed <= plan.memoryBytes();
        if (!fits) {
            leftOut.add(
                    "%s: needs %d MiB at both ends, and %d MiB are free"
                            .formatted(point.key(), needed >> 20, plan.memoryBytes() >> 20));
        }
        return fits;
    }

    private boolean inTime(Point point, long end) {
        boolean inTime = System.nanoTime() < end;
        if (!inTime) {
            leftOut.add("%s: the time was over (--minutes)".formatted(point.key()));
        }
        return inTime;
    }

    private static BenchReport.Taker taker(Adapter adapter) {
        var subject = adapter.subject();
        return new BenchReport.Taker(
                subject.id(),
                subject.label(),
                subject.link(),
                subject.role(),
                adapter.first().version(),
                adapter.first().version() == null
                        ? String.valueOf(adapter.first().missing())
                        : null);
    }

    /** A JVM compiles what runs often; a first measurement would be that of its interpreter. */
    private void warmUp(List<Point> points) {
        points.stream()
                .filter(this::small)
                .findFirst()
                .ifPresent(point ->
                        taking(point)
                                .filter(a -> a.subject().role() == Subject.Role.KVWIRE)
                                .forEach(adapter -> {
                                    progress.accept("warming up " + adapter.subject().id());
                                    adapter.measure(point, WARM_UP_SECONDS);
                                }));
    }

    private boolean small(Point point) {
        return 2 * point.workingSetBytes() <= plan.memoryBytes();
    }

    /** In the order of subjects, whenever they were started. */
    private Stream<Adapter> taking(Point point) {
        return plan.subjects().stream()
                .map(adapters::get)
                .filter(Objects::nonNull)
                .filter(Adapter::usable)
                .filter(a -> a.subject().takesPartIn(point.workload()));
    }

    private List<BenchReport.Row> measure(Point point, int rounds) {
        Map<Adapter, List<Answer>> answers = new LinkedHashMap<>();
        taking(point).forEach(a -> answers.put(a, new ArrayList<>()));
        for (int round = 1; round <= rounds; round++) {
            for (var entry : answers.entrySet()) {
                if (refused(entry.getValue())) {
                    continue; // It will say the same again.
                }
                progress.accept(
                        "%s, round %d of %d, %s"
                                .formatted(
                                        point.key(), round, rounds, entry.getKey().subject().id()));
                entry.getValue().add(entry.getKey().measure(point, plan.seconds()));
            }
        }
        return answers.entrySet().stream()
                .map(entry -> row(point, entry.getKey().subject(), entry.getValue()))
                .toList();
    }

    private static boolean refused(List<Answer> answers) {
        return !answers.isEmpty() && answers.getLast().figures() == null;
    }

    static BenchReport.Row row(Point point, Subject subject, List<Answer> answers) {
        var rounds = answers.stream().map(Answer::figures).filter(Objects::nonNull).toList();
        var last = answers.getLast();
        if (last.figures() == null || rounds.isEmpty()) {
            return new BenchReport.Row(
                    point,
                    subject.id(),
                    unit(point),
                    null,
                    null,
                    null,
                    null,
                    null,
                    "",
                    Map.of(),
                    last.unsupported(),
                    last.unsupported() == null ? String.valueOf(last.error()) : null,
                    List.of());
        }
        return new BenchReport.Row(
                point,
                subject.id(),
                unit(point),
                Summary.of(rounds.stream().map(f -> figure(point, f)).toList()),
                Summary.of(rounds.stream().map(Figures::p99Micros).toList()).median(),
                median(rounds, Figures::cpuSecondsPerGigabyte).orElse(null),
                rounds.stream()
                        .map(Figures::peakBytes)
                        .filter(Objects::nonNull)
                        .max(Long::compare)
                        .orElse(null),
                verified(rounds),
                rounds.getFirst().note(),
                rounds.getLast().parts(),
                null,
                null,
                rounds);
    }

    private static Boolean verified(List<Figures> rounds) {
        var known = rounds.stream().map(Figures::verified).filter(Objects::nonNull).toList();
        return known.isEmpty() ? null : known.stream().allMatch(Boolean.TRUE::equals);
    }

    private static Optional<Double> median(List<Figures> rounds, Function<Figures, Double> value) {
        var known = rounds.stream().map(value).filter(Objects::nonNull).toList();
        return known.isEmpty() ? Optional.empty() : Optional.of(Summary.of(known).median());
    }

    private static String unit(Point point) {
        return switch (point.kind()) {
            case BLOCKS -> "GB/s";
            case CHURN -> "ms";
            case MESSAGE, TRANSFER -> "us";
        };
    }

    private static double figure(Point point, Figures figures) {
        return switch (point.kind()) {
            case BLOCKS -> figures.gigabytesPerSecond();
            case CHURN -> figures.p50Micros() / 1e3;
            case MESSAGE, TRANSFER -> figures.p50Micros();
        };
    }

    // --- comparisons ----------------------------------------------------------------------------

    private List<BenchReport.Comparison> compare(List<BenchReport.Row> rows, Reasons reasons) {
        var comparisons = new ArrayList<BenchReport.Comparison>();
        for (var ours : rows) {
            var mine = subject(ours.subject());
            if (mine.role() != Subject.Role.KVWIRE || ours.figure() == null) {
                continue;
            }
            for (var theirs : rows) {
                var other = subject(theirs.subject());
                if (theirs.figure() != null
                        && theirs.point().equals(ours.point())
                        && other.link() == mine.link()
                        && other.role() != Subject.Role.KVWIRE) {
                    comparisons.add(comparison(ours, mine, theirs, other, reasons));
                }
            }
        }
        return comparisons;
    }

    private Subject subject(String id) {
        return plan.subjects().stream().filter(s -> s.id().equals(id)).findFirst().orElseThrow();
    }

    private static BenchReport.Comparison comparison(
            BenchReport.Row ours,
            Subject mine,
            BenchReport.Row theirs,
            Subject other,
            Reasons reasons) {
        int rounds = Math.min(ours.rounds().size(), theirs.rounds().size());
        var point = ours.point();
        var advantages = new ArrayList<Double>();
        for (int i = 0; i < rounds; i++) {
            double a = figure(point, ours.rounds().get(i));
            double b = figure(point, theirs.rounds().get(i));
            advantages.add(point.kind().timed() ? b / a : a / b);
        }
        var advantage = Summary.of(advantages);
        Double cpu =
                ours.cpuSecondsPerGigabyte() == null || theirs.cpuSecondsPerGigabyte() == null
                        ? null
                        : ours.cpuSecondsPerGigabyte() / theirs.cpuSecondsPerGigabyte();
        return new BenchReport.Comparison(
                point.key(),
                mine.id(),
                other.id(),
                other.role(),
                advantage,
                cpu,
                advantage.median() < 1 ? reasons.why(point, mine, other) : "");
    }
}
