package io.kvwire.harness.bench;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

import java.io.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

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
            List.of("latency", "churn", "kv-blocks", "models");
    private static final double QUICK_SECONDS = 0.25;
    private static final double SECONDS = 2;
    private static final int QUICK_ROUNDS = 2;
    private static final int ROUNDS = 5;
    private static final double QUICK_MINUTES = 4;
    private static final double MINUTES = 24 * 60;

    @Spec private CommandSpec spec;

    @Option(
            names = "--quick",
            description = "Few points and short rounds: a whole report within five minutes.")
    private boolean quick;

    @Option(names = "--json", paramLabel = "FILE", description = "Write the report for programs.")
    private Path json;

    @Option(names = "--html", paramLabel = "FILE", description = "Write it as a page with charts.")
    private Path html;

    @Option(
            names = "--workloads",
            paramLabel = "NAME",
            split = ",",
            description =
                    "Which ones, or JSON files of one's own (default: latency, churn, kv-blocks,"
                            + " models).")
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
                    "Show the whole requests of 'kvwire demo --json FILE' in the report, too.")
    private Path demo;

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
                    "After so many, points that are left are named and not measured (default: none;"
                            + " quick: 4).")
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
        var date = OffsetDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MINUTES).toString();
        long start = System.nanoTime();
        var folder = Files.createTempDirectory(temporary(home), "bench");
        BenchRun.Outcome outcome;
        try {
            outcome = new BenchRun(plan(home, folder), progress()).run(reasons(home));
        } finally {
            deleteFolder(folder);
        }
        var report =
                new BenchReport(
                        BenchReport.SCHEMA,
                        date,
                        Machine.describe(spec.root().versionProvider()),
                        "kvwire bench" + words(),
                        quick,
                        usedRounds(),
                        usedSeconds(),
                        (System.nanoTime() - start) / 1e9,
                        outcome.takers(),
                        outcome.rows(),
                        outcome.comparisons(),
                        outcome.leftOut(),
                        demo == null ? List.of() : DemoTimes.read(demo));
        return publish(report);
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
        for (var file : new Path[] {json, html}) {
            if (file != null) {
                var parent = file.toAbsolutePath().getParent();
                require(
                        parent != null && Files.isDirectory(parent),
                        file + ": its folder does not exist; make it first");
            }
        }
        require(!chosen().isEmpty(), "--subjects " + subjects + ": there is none of that name");
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

    private String words() {
        return quick ? " --quick" : "";
    }

    private BenchRun.Plan plan(Path home, Path folder) throws IOException {
        var files = new ArrayList<Workload>();
        for (var name : workloads) {
            files.add(Workload.read(workloadFile(home, name)));
        }
        double limit = minutes > 0 ? minutes : quick ? QUICK_MINUTES : MINUTES;
        return new BenchRun.Plan(
                home,
                folder,
                files,
                chosen(),
                quick,
                usedRounds(),
                usedSeconds(),
                limit * 60,
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

    private Consumer<String> progress() {
        var err = spec.commandLine().getErr();
        boolean terminal =
                Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
        return what -> {
            if (terminal) {
                err.print("\r\033[K" + what);
                err.flush();
            }
        };
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
