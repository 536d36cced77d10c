package io.kvwire.harness.bench;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/**
 * One run: starts the adapters, measures every point in rounds that take turns, and sums up.
 * Confined to one thread.
 */
final class BenchRun {
    /** Measured after a first turn's warm-up, which is as long as the compiler needs. */
    private static final double WARM_UP_SECONDS = 0.2;

    /** To end all processes and write the report. */
    private static final double LAST_SECONDS = 8;

    /** How long an adapter may keep the others waiting; where time is short, a third of it. */
    private static final Duration LONGEST_TURN = Duration.ofMinutes(3);

    private static final Duration LEAST_PATIENCE = Duration.ofSeconds(20);

    private final Plan plan;
    private final RunProgress progress;
    private final Budget budget;
    private final List<String> shortened = new ArrayList<>();
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
     * @param memoryBytes that all ends together may take
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
            long memoryBytes,
            boolean verbose) {}

    /** What a run gives, without date, machine and command line. */
    record Outcome(
            List<BenchReport.Taker> takers,
            List<BenchReport.Row> rows,
            List<BenchReport.Comparison> comparisons,
            List<String> shortened,
            List<String> leftOut) {}

    BenchRun(Plan plan, Budget budget, RunProgress progress) {
        this.plan = plan;
        this.budget = budget;
        this.progress = progress;
    }

    Outcome run(Reasons reasons) {
        var rows = new ArrayList<BenchReport.Row>();
        var points =
                plan.workloads().stream().flatMap(w -> w.expand(plan.quick()).stream()).toList();
        int done = 0;
        try {
            for (var workload : plan.workloads()) {
                start(workload.name());
                var own = workload.expand(plan.quick());
                warmUp(own);
                for (var point : own) {
                    var ahead = ahead(points.subList(done, points.size()));
                    done++;
                    if (fits(point) && inTime(ahead)) {
                        progress.point(done, points.size(), point.key(), expected(ahead));
                        rows.addAll(measure(ahead));
                    }
                }
                endThoseOf(workload.name());
            }
        } finally {
            progress.end();
            end(List.copyOf(adapters.values()));
        }
        return new Outcome(
                plan.subjects().stream().map(takers::get).filter(Objects::nonNull).toList(),
                rows,
                Rows.compare(rows, reasons),
                List.copyOf(shortened),
                List.copyOf(leftOut));
    }

    // --- adapters -------------------------------------------------------------------------------

    /**
     * Starts the adapters of a workload that do not run yet, as many at a time as there are cores.
     */
    private void start(String workload) {
        var python = Adapter.python(plan.home());
        var begun = new ArrayDeque<Adapter>();
        long start = System.nanoTime();
        int count = 0;
        for (var subject : plan.subjects()) {
            if (subject.takesPartIn(workload) && !adapters.containsKey(subject)) {
                progress.now("starting " + subject.id());
                var adapter =
                        Adapter.start(subject, plan.home(), python, plan.folder(), plan.verbose());
                adapters.put(subject, adapter);
                begun.add(adapter);
                count++;
                if (begun.size() == Math.max(2, Runtime.getRuntime().availableProcessors())) {
                    await(begun.remove());
                }
            }
        }
        begun.forEach(this::await);
        budget.started(count, secondsSince(start));
    }

    private void await(Adapter adapter) {
        adapter.await(patience());
        adapter.sleep();
        takers.put(adapter.subject(), taker(adapter));
    }

    /** Ends the adapters that poll even when nobody asks them for anything. */
    private void endThoseOf(String workload) {
        var over =
                adapters.values().stream()
                        .filter(a -> a.subject().workloads().equals(Set.of(workload)))
                        .toList();
        end(over);
        adapters.values().removeAll(over);
    }

    /** All at once: each may take some seconds to end. */
    private static void end(List<Adapter> over) {
        try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            over.forEach(adapter -> threads.execute(adapter::close));
        }
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

    /**
     * A JVM compiles what runs often; a first measurement would be that of its interpreter, and
     * what would warm up within a round would not take its turn. What runs at a point follows its
     * kind: who has only been written to has never written.
     */
    private void warmUp(List<Point> points) {
        var seen = EnumSet.noneOf(Point.Kind.class);
        var widestFirst =
                points.stream()
                        .sorted(Comparator.comparing(p -> p.kind() != Point.Kind.ALL_TO_ALL))
                        .toList();
        for (var point : widestFirst) {
            if (point.memoryBytes() <= plan.memoryBytes() && !point.kind().coveredBy(seen)) {
                seen.add(point.kind());
                warmUp(point);
            }
        }
    }

    private void warmUp(Point point) {
        var ours = ours(point).toList();
        long start = System.nanoTime();
        for (var subject : ours) {
            progress.now("warming up " + subject.id());
            var _ = adapters.get(subject).measure(point, WARM_UP_SECONDS, patience());
        }
        budget.started(ours.size(), secondsSince(start));
    }

    private Stream<Subject> ours(Point point) {
        return taking(point).filter(s -> s.role() == Subject.Role.KVWIRE);
    }

    // --- time -----------------------------------------------------------------------------------

    private List<Budget.Ahead> ahead(List<Point> points) {
        return points.stream().map(p -> new Budget.Ahead(p, taking(p).toList())).toList();
    }

    /** Who takes part, in the order of subjects; of those that did not start yet, all. */
    private Stream<Subject> taking(Point point) {
        return plan.subjects().stream()
                .filter(s -> s.takesPartIn(point.workload()))
                .filter(s -> !adapters.containsKey(s) || adapters.get(s).usable());
    }

    /** Seconds that what is no turn will take. */
    private double reserve(List<Budget.Ahead> ahead) {
        var now = ahead.getFirst().point().workload();
        var later =
                ahead.stream()
                        .map(Budget.Ahead::point)
                        .filter(p -> !p.workload().equals(now))
                        .toList();
        long starts =
                later.stream()
                        .flatMap(this::taking)
                        .distinct()
                        .filter(s -> !adapters.containsKey(s))
                        .count();
        long warmUps =
                later.stream()
                        .flatMap(p -> ours(p).map(s -> p.workload() + p.kind() + s.id()))
                        .distinct()
                        .count();
        return LAST_SECONDS + budget.toStart((int) (starts + warmUps));
    }

    private double expected(List<Budget.Ahead> ahead) {
        return budget.remaining(ahead, plan.seconds(), plan.rounds(), reserve(ahead));
    }

    private Duration patience() {
        var third = Duration.ofMillis((long) (Math.max(0, budget.left()) * 1e3 / 3));
        var most = third.compareTo(LONGEST_TURN) > 0 ? LONGEST_TURN : third;
        return most.compareTo(LEAST_PATIENCE) < 0 ? LEAST_PATIENCE : most;
    }

    private boolean fits(Point point) {
        boolean fits = point.memoryBytes() <= plan.memoryBytes();
        if (!fits) {
            leftOut.add(
                    "%s: needs %d MiB at all ends, and %d MiB are free"
                            .formatted(
                                    point.key(),
                                    point.memoryBytes() >> 20,
                                    plan.memoryBytes() >> 20));
        }
        return fits;
    }

    private boolean inTime(List<Budget.Ahead> ahead) {
        var here = ahead.getFirst();
        double left = budget.left() - LAST_SECONDS;
        double needed = budget.round(here, plan.seconds() * Budget.SHORTEST, true);
        if (left < needed || left < 0) {
            leftOut.add(
                    String.format(
                            Locale.ROOT,
                            "%s: one round takes about %.0f s, and %.0f s were left (--minutes)",
                            here.point().key(),
                            needed,
                            Math.max(0, left)));
            return false;
        }
        return true;
    }

    private static double secondsSince(long nanos) {
        return (System.nanoTime() - nanos) / 1e9;
    }

    // --- measuring ------------------------------------------------------------------------------

    private List<BenchReport.Row> measure(List<Budget.Ahead> ahead) {
        var here = ahead.getFirst();
        double seconds = budget.turn(ahead, plan.seconds(), reserve(ahead));
        Map<Adapter, List<Answer>> answers = new LinkedHashMap<>();
        here.subjects().forEach(s -> answers.put(adapters.get(s), new ArrayList<>()));
        long start = System.nanoTime();
        int made = 0;
        while (made < plan.rounds() && (made == 0 || another(ahead, seconds, made, start))) {
            made++;
            for (var entry : answers.entrySet()) {
                if (!refused(entry.getValue())) { // Otherwise it will say the same again.
                    progress.now("round " + made + ", " + entry.getKey().subject().id());
                    entry.getValue().add(turn(entry.getKey(), here.point(), seconds, made == 1));
                }
            }
        }
        if (made < plan.rounds() || seconds < plan.seconds()) {
            shortened.add(
                    String.format(
                            Locale.ROOT,
                            "%s: %d of %d rounds, %.2g of %.2g s each",
                            here.point().key(),
                            made,
                            plan.rounds(),
                            seconds,
                            plan.seconds()));
        }
        return answers.entrySet().stream()
                .map(entry -> Rows.row(here.point(), entry.getKey().subject(), entry.getValue()))
                .toList();
    }

    private boolean another(List<Budget.Ahead> ahead, double seconds, int made, long start) {
        return budget.allows(
                ahead,
                seconds,
                plan.rounds() - made,
                plan.rounds(),
                secondsSince(start),
                reserve(ahead));
    }

    private Answer turn(Adapter adapter, Point point, double seconds, boolean first) {
        long start = System.nanoTime();
        var answer = adapter.measure(point, seconds, patience());
        if (answer.unsupported() != null) {
            budget.refused(adapter.subject(), point);
        } else {
            budget.turned(adapter.subject(), point, first, seconds, secondsSince(start));
        }
        return answer;
    }

    private static boolean refused(List<Answer> answers) {
        return !answers.isEmpty() && answers.getLast().figures() == null;
    }
}
