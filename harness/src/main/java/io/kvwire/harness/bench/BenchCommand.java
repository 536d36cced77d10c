package io.kvwire.harness.bench;

import io.kvwire.harness.options.OutputFile;

import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/** {@code kvwire bench}: side by side with what a user would pick instead. */
@Command(
        name = "bench",
        mixinStandardHelpOptions = true,
        description =
                "Measures kvwire and its peers on the same work, in rounds that take turns, and"
                        + " writes a report.",
        footer = "%nExit status: 0 when every byte of kvwire's was right, 1 when not.")
public final class BenchCommand implements Callable<Integer> {
    /** System property: the folder that the launcher lies in. */
    private static final String HOME = "kvwire.home";

    private static final List<String> WORKLOADS =
            List.of("latency", "churn", "kv-blocks", "models", "fan", WholeRequests.NAME);
    private static final double QUICK_SECONDS = 0.25;
    private static final double SECONDS = 2;
    private static final int QUICK_ROUNDS = 2;
    private static final int ROUNDS = 5;
    private static final double QUICK_MINUTES = 4.5;
    private static final double MINUTES = 24 * 60;

    /** A round in a virtual host takes a minute and more. */
    private static final int RIG_ROUNDS = 3;

    /** Of the time, what whole requests may take at most. */
    private static final double REQUESTS_SHARE = 0.3;

    @Spec private CommandSpec spec;

    @Option(
            names = "--quick",
            description = "Few points and short rounds: a whole report within five minutes.")
    private boolean quick;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            converter = OutputFile.class,
            description = "Write the report for programs.")
    private Path json;

    @Option(
            names = "--html",
            paramLabel = "FILE",
            converter = OutputFile.class,
            description = "Write it as a page with charts.")
    private Path html;

    @Option(
            names = "--workloads",
            paramLabel = "NAME",
            split = ",",
            description =
                    "Which ones, or JSON files of one's own (default: latency, churn,"
                            + " kv-blocks, models, fan, requests).")
    private List<String> workloads = WORKLOADS;

    @Option(
            names = "--subjects",
            paramLabel = "NAME",
            split = ",",
            description = "Which ones; a name may end with * (default: all).")
    private List<String> subjects = List.of("*");

    @Option(
            names = "--demo",
            paramLabel = "FILE",
            description =
                    "Take the whole requests from 'kvwire demo --json FILE' instead of running it.")
    private Path demo;

    @ArgGroup private Rig rig = new Rig();

    /** Where the figures of RDMA come from. */
    private static final class Rig {
        @Option(
                names = "--rig",
                description =
                        "Measure RDMA beside perftest in a virtual host, too: takes minutes more.")
        private boolean run;

        @Option(
                names = "--with",
                paramLabel = "FILE",
                description = "Take those figures from the JSON of 'kvwire rig perf --out FOLDER'.")
        private Path file;
    }

    @Option(names = "--rounds", paramLabel = "N", description = "Rounds (default: 5; quick: 2).")
    private int rounds;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            description = "Of each subject in each round (default: 2; quick: 0.25).")
    private double seconds;

    @Option(
            names = "--minutes",
            paramLabel = "M",
            description =
                    "How long it may take: what does not fit gets fewer and shorter rounds, and the"
                            + " report says so (default: no limit; quick: 4.5).")
    private double minutes;

    @Option(
            names = "--install-peers",
            description =
                    "Install NIXL, Mooncake and NumPy with pip below target/peers first; the rest"
                            + " are system packages that the report names.")
    private boolean installPeers;

    @Option(names = "--show-adapters", description = "Show what adapters say on standard error.")
    private boolean showAdapters;

    /** Made by the command line. */
    public BenchCommand() {}

    @Override
    public Integer call() throws IOException {
        check();
        var home = home();
        var err = spec.commandLine().getErr();
        if (installPeers && !PeerInstall.run(home, err::println)) {
            err.println("kvwire: what could not be installed is reported as missing");
        }
        var rdma = rdma(home);
        var budget = new Budget(System::nanoTime, limitMinutes() * 60);
        var date = OffsetDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MINUTES).toString();
        long start = System.nanoTime();
        var folder = Files.createTempDirectory(temporary(home), "bench");
        BenchRun.Outcome outcome;
        WholeRequests.Outcome requests;
        try {
            requests = requests(folder, budget);
            outcome =
                    new BenchRun(plan(home, folder), budget, new RunProgress(err))
                            .run(reasons(home));
        } finally {
            deleteFolder(folder);
        }
        var report =
                new BenchReport(
                        BenchReport.SCHEMA,
                        date,
                        Machine.describe(spec.root().versionProvider()),
                        commandLine(),
                        quick,
                        usedRounds(),
                        usedSeconds(),
                        (System.nanoTime() - start) / 1e9,
                        Stream.concat(
                                        outcome.takers().stream(),
                                        rdma
                                                .map(RigFigures::takers)
                                                .orElseGet(this::missingRdma)
                                                .stream())
                                .toList(),
                        outcome.rows(),
                        Stream.concat(
                                        outcome.comparisons().stream(),
                                        rdma.stream().flatMap(r -> r.comparisons().stream()))
                                .toList(),
                        limitMinutes() == MINUTES ? null : limitMinutes() * 60,
                        outcome.shortened(),
                        Stream.concat(requests.leftOut().stream(), outcome.leftOut().stream())
                                .toList(),
                        requests.times(),
                        rdma.orElse(null));
        return publish(report);
    }

    private Optional<RigFigures> rdma(Path home) throws IOException {
        if (rig.file != null) {
            return Optional.of(RigFigures.read(rig.file));
        }
        if (!rig.run) {
            return Optional.empty();
        }
        var folder = Files.createTempDirectory(temporary(home), "rig");
        try {
            return Optional.of(
                    RigFigures.run(
                            home, folder, Math.min(RIG_ROUNDS, usedRounds()), usedSeconds()));
        } catch (IllegalStateException e) {
            spec.commandLine().getErr().println("kvwire: " + e.getMessage());
            return Optional.empty();
        } finally {
            deleteFolder(folder);
        }
    }

    private List<BenchReport.Taker> missingRdma() {
        return RigFigures.missing().stream()
                .filter(t -> subjects.stream().anyMatch(name -> matches(name, t.id())))
                .toList();
    }

    /** First, since nobody else uses the processors then, and the rest can share what is left. */
    private WholeRequests.Outcome requests(Path folder, Budget budget) throws IOException {
        if (demo != null) {
            return new WholeRequests.Outcome(DemoTimes.read(demo), List.of());
        }
        if (!workloads.contains(WholeRequests.NAME)) {
            return new WholeRequests.Outcome(List.of(), List.of());
        }
        new RunProgress(spec.commandLine().getErr()).now("whole requests");
        long millis = (long) (budget.left() * 1e3 * REQUESTS_SHARE);
        return new WholeRequests(quick ? 1 : ROUNDS, showAdapters)
                .run(folder, Duration.ofMillis(millis));
    }

    private int publish(BenchReport report) throws IOException {
        MarkdownReport.print(report, spec.commandLine().getOut());
        if (json != null) {
            report.write(json);
        }
        if (html != null) {
            HtmlReport.write(report, html);
        }
        boolean wrong =
                report.rows().stream()
                        .filter(r -> report.taker(r.subject()).role() == Subject.Role.KVWIRE)
                        .anyMatch(r -> Boolean.FALSE.equals(r.verified()) || r.error() != null);
        wrong |=
                report.rig() != null
                        && report.rig().rows().stream()
                                .anyMatch(r -> Boolean.FALSE.equals(r.verified()));
        if (wrong) {
            spec.commandLine()
                    .getErr()
                    .println("kvwire: a run of kvwire failed or moved wrong bytes");
        }
        return wrong ? CommandLine.ExitCode.SOFTWARE : CommandLine.ExitCode.OK;
    }

    private void check() {
        require(rounds >= 0 && rounds <= 100, "--rounds " + rounds + ": need 1 to 100");
        require(seconds >= 0 && seconds <= 60, "--seconds " + seconds + ": need at most 60");
        require(minutes >= 0, "--minutes " + minutes + ": need more than zero");
        readable("--with", rig.file, "kvwire rig perf --out FOLDER");
        readable("--demo", demo, "kvwire demo --json FILE");
        require(!chosen().isEmpty(), "--subjects " + subjects + ": there is none of that name");
    }

    private void readable(String option, Path file, String maker) {
        require(
                file == null || Files.isReadable(file),
                "%s %s: cannot be read; '%s' writes such a file".formatted(option, file, maker));
    }

    private void require(boolean good, String message) {
        if (!good) {
            throw new ParameterException(spec.commandLine(), message);
        }
    }

    private int usedRounds() {
        return rounds > 0 ? rounds : quick ? QUICK_ROUNDS : ROUNDS;
    }

    private double usedSeconds() {
        return seconds > 0 ? seconds : quick ? QUICK_SECONDS : SECONDS;
    }

    private double limitMinutes() {
        return minutes > 0 ? minutes : quick ? QUICK_MINUTES : MINUTES;
    }

    private String commandLine() {
        var words = spec.root().commandLine().getParseResult().originalArgs();
        return "kvwire " + String.join(" ", words);
    }

    private BenchRun.Plan plan(Path home, Path folder) throws IOException {
        var files = new ArrayList<Workload>();
        for (var name : workloads) {
            if (name.equals(WholeRequests.NAME)) {
                continue;
            }
            files.add(Workload.read(workloadFile(home, name)));
        }
        return new BenchRun.Plan(
                home,
                folder,
                files,
                chosen(),
                quick,
                usedRounds(),
                usedSeconds(),
                Machine.availableBytes() / 2,
                showAdapters);
    }

    private Path workloadFile(Path home, String name) {
        var own = Path.of(name);
        if (name.endsWith(".json")) {
            return own;
        }
        var file = home.resolve("benchmarks/workloads").resolve(name + ".json");
        require(
                Files.isReadable(file),
                "--workloads " + name + ": there is none of that name in benchmarks/workloads");
        return file;
    }

    private List<Subject> chosen() {
        return Subject.all().stream()
                .filter(s -> subjects.stream().anyMatch(name -> matches(name, s.id())))
                .toList();
    }

    private static boolean matches(String name, String id) {
        return name.endsWith("*")
                ? id.startsWith(name.substring(0, name.length() - 1))
                : id.equals(name);
    }

    private static Reasons reasons(Path home) throws IOException {
        return Reasons.read(home.resolve("benchmarks/workloads/reasons.json"));
    }

    private Path home() {
        var home = Path.of(System.getProperty(HOME, ""));
        if (!Files.isDirectory(home.resolve("benchmarks/workloads"))) {
            throw new ParameterException(
                    spec.commandLine(),
                    "no benchmarks/workloads in "
                            + home.toAbsolutePath()
                            + ": run it from a checkout, with its ./kvwire");
        }
        return home.toAbsolutePath();
    }

    private static Path temporary(Path home) throws IOException {
        return Files.createDirectories(home.resolve("target"));
    }

    private static void deleteFolder(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            for (var file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.deleteIfExists(file);
            }
        }
    }

    /** {@code kvwire bench compare}. */
    @Command(
            name = "compare",
            mixinStandardHelpOptions = true,
            description = "Shows what changed between two reports beyond their noise.")
    Integer compare(
            @Parameters(paramLabel = "A.json", description = "The earlier report.") Path before,
            @Parameters(paramLabel = "B.json", description = "The later one.") Path after)
            throws IOException {
        Compare.print(
                BenchReport.read(before), BenchReport.read(after), spec.commandLine().getOut());
        return CommandLine.ExitCode.OK;
    }
}
