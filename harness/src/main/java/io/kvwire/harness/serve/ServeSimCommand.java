package io.kvwire.harness.serve;

import io.kvwire.harness.model.ModelSource;
import io.kvwire.harness.options.OutputFile;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.Console;
import java.io.IOException;
import java.nio.file.Path;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.stream.Stream;

/** {@code kvwire serve-sim}: serving under load, coupled against decoupled. */
@Command(
        name = "serve-sim",
        mixinStandardHelpOptions = true,
        description =
                "Serves requests with processes that prefill and processes that decode, and with as"
                        + " many that do both, at several rates; compares what clients see.",
        footer = "%nExit status: 0 when every request got its tokens, 1 when not.")
public final class ServeSimCommand implements Callable<Integer> {
    private static final int SEED = 20_26;

    @Spec private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "trained, tiny, small, or a folder (default: ${DEFAULT-VALUE}).")
    private String model = "trained";

    @Option(names = "--prefillers", paramLabel = "X", description = "The P of xPyD (default: 1).")
    private int prefillers = 1;

    @Option(names = "--decoders", paramLabel = "Y", description = "The D of xPyD (default: 1).")
    private int decoders = 1;

    @Option(
            names = "--rates",
            paramLabel = "N",
            split = ",",
            description = "Requests per second (default: 2,4,8).")
    private List<Double> rates = List.of(2.0, 4.0, 8.0);

    @Option(
            names = "--loads",
            paramLabel = "X",
            split = ",",
            description =
                    "Instead of rates: shares of what prefillers or decoders can do at most, which"
                            + " is measured first.")
    private List<Double> loads = List.of();

    @Option(
            names = "--study",
            description =
                    "Prompts so long that computing one is felt by those who decode: the model"
                            + " small, prompts of 5, 59 and 512 tokens, answers of 64, loads of"
                            + " 0.25, 0.5 and 0.75, 30 s each, unless said otherwise.")
    private boolean study;

    @Option(
            names = "--seconds",
            paramLabel = "S",
            description = "Of requests at each rate (default: ${DEFAULT-VALUE}).")
    private double seconds = 15;

    @Option(
            names = "--prompt-tokens",
            paramLabel = "N",
            split = ",",
            description = "Lengths that prompts have, drawn alike (default: 5,59,192).")
    private List<Integer> lengths = List.of(5, 59, 192);

    @Option(names = "--max-tokens", paramLabel = "N", description = "Of each answer (default: 32).")
    private int maxTokens = 32;

    @Option(
            names = "--threshold",
            paramLabel = "N",
            description = "Prompts with at most so many new tokens are not split (default: 16).")
    private int threshold = 16;

    @Option(
            names = "--cache-tokens",
            paramLabel = "N",
            description = "Of each process (default: ${DEFAULT-VALUE}).")
    private int cacheTokens = 8192;

    @Option(
            names = "--path",
            paramLabel = "PATH",
            description = "Between the processes: tcp, pcie (default: the best).")
    private String path = "best";

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description =
                    "Replay arrivals instead: JSON lines with timestamp (ms), input_length,"
                            + " output_length, hash_ids.")
    private Path trace;

    @Option(
            names = "--speed-up",
            paramLabel = "X",
            description = "How many times faster the trace goes (default: ${DEFAULT-VALUE}).")
    private double speedUp = 1;

    @Option(
            names = "--trace-scale",
            paramLabel = "X",
            description = "Tokens here for each of the trace (default: 1/32).")
    private double traceScale = 1.0 / 32;

    @Option(
            names = "--metrics-port",
            paramLabel = "PORT",
            description = "Serve Prometheus metrics on loopback; 0 takes any port.")
    private Integer metricsPort;

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

    /** Made by the command line. */
    public ServeSimCommand() {}

    @Override
    public Integer call() throws IOException {
        if (study) {
            useStudy();
        }
        var config = ModelSource.parse(model).load().config();
        check(config.maxPositions());
        var date = OffsetDateTime.now(ZoneOffset.UTC).truncatedTo(ChronoUnit.MINUTES).toString();
        var settings =
                new ServeRun.Settings(
                        model,
                        config.vocabSize(),
                        prefillers,
                        decoders,
                        rates,
                        loads,
                        seconds,
                        lengths,
                        maxTokens,
                        threshold,
                        cacheTokens,
                        path,
                        replay(config.vocabSize(), Math.min(config.maxPositions(), cacheTokens)),
                        SEED);
        List<ServeReport.Run> runs;
        Optional<Capacity> capacity;
        try (var metrics = metricsPort == null ? null : new ServeMetrics(metricsPort)) {
            if (metrics != null) {
                spec.commandLine()
                        .getOut()
                        .println("metrics: http://127.0.0.1:" + metrics.port() + "/metrics");
                spec.commandLine().getOut().flush();
            }
            try (var run = new ServeRun(settings, Optional.ofNullable(metrics), this::progress)) {
                runs = run.run();
                capacity = run.capacity();
            }
        }
        return publish(
                new ServeReport(
                        ServeReport.SCHEMA,
                        date,
                        model,
                        prefillers,
                        decoders,
                        path,
                        threshold,
                        maxTokens,
                        runs,
                        Stream.concat(
                                        capacity.stream().map(Capacity::describe),
                                        ServeReport.findings(runs).stream())
                                .toList()));
    }

    /** What the user did not say himself. */
    private void useStudy() {
        model = given("--model") ? model : "small";
        lengths = given("--prompt-tokens") ? lengths : List.of(5, 59, 512);
        maxTokens = given("--max-tokens") ? maxTokens : 64;
        loads = given("--loads") || given("--rates") ? loads : List.of(0.25, 0.5, 0.75);
        seconds = given("--seconds") ? seconds : 30;
    }

    private boolean given(String option) {
        return spec.commandLine().getParseResult().hasMatchedOption(option);
    }

    private Optional<LoadPlan> replay(int vocabulary, int longest) throws IOException {
        return trace == null
                ? Optional.empty()
                : Optional.of(
                        LoadPlan.trace(
                                trace,
                                new LoadPlan.Replay(speedUp, traceScale, vocabulary, longest)));
    }

    private int publish(ServeReport report) throws IOException {
        report.print(spec.commandLine().getOut());
        if (json != null) {
            report.write(json);
        }
        if (html != null) {
            ServePage.write(report, html);
        }
        int failed = report.runs().stream().mapToInt(ServeReport.Run::failed).sum();
        if (failed > 0) {
            spec.commandLine().getErr().println("kvwire: " + failed + " requests failed");
        }
        return failed > 0 ? CommandLine.ExitCode.SOFTWARE : CommandLine.ExitCode.OK;
    }

    private void progress(String what) {
        if (Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false)) {
            spec.commandLine().getErr().print("\r\033[K" + what);
            spec.commandLine().getErr().flush();
        }
    }

    private void check(int longest) {
        require(prefillers >= 1 && decoders >= 1, "--prefillers and --decoders: need at least 1");
        require(rates.stream().allMatch(r -> r > 0), "--rates " + rates + ": need more than zero");
        require(loads.stream().allMatch(l -> l > 0), "--loads " + loads + ": need more than zero");
        require(!given("--loads") || !given("--rates"), "--loads and --rates: give one of them");
        require(seconds > 0, "--seconds " + seconds + ": need more than zero");
        require(speedUp > 0, "--speed-up " + speedUp + ": need more than zero");
        require(traceScale > 0, "--trace-scale " + traceScale + ": need more than zero");
        require(maxTokens >= 1, "--max-tokens " + maxTokens + ": need at least 1");
        for (int length : lengths) {
            require(
                    length >= 1 && length + maxTokens <= Math.min(longest, cacheTokens),
                    "--prompt-tokens %d and --max-tokens %d: the model has %d positions, the cache %d tokens"
                            .formatted(length, maxTokens, longest, cacheTokens));
        }
    }

    private void require(boolean good, String message) {
        if (!good) {
            throw new ParameterException(spec.commandLine(), message);
        }
    }
}
