package io.kvwire.harness.cli;

import io.kvwire.harness.demo.DemoReport;
import io.kvwire.harness.demo.DemoRun;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.model.ModelSource;
import io.kvwire.harness.options.OutputFile;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.Wires;

import picocli.CommandLine.Command;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParentCommand;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;

/** {@code kvwire demo}: the same prompt in one process, in two, and on two hosts. */
@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description =
                "Runs one prompt in one process, in two processes and on two hosts (network"
                        + " namespaces), on each device of this host, and compares tokens and"
                        + " times.",
        footer = "%nExit status: 0 when every step gave the tokens of step 0, 1 when one did not.")
final class DemoCommand implements Callable<Integer> {
    private static final int SHOWN_PROMPT_CHARACTERS = 240;
    private static final int SHOWN_TOKENS = 32;

    /**
     * The most of a prompt that nobody gave, four chunks: with more, a host whose processor plays
     * the XPU is not done in a minute.
     */
    private static final int PROMPT_TOKENS = 512;

    private static final int ROUNDS = 5;
    private static final Duration BUDGET = Duration.ofSeconds(36);
    private static final Duration NO_LIMIT = Duration.ofDays(1);

    @Spec private CommandSpec spec;
    @ParentCommand private Main main;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            defaultValue = "trained",
            description = "trained, tiny, small, or a folder (default: ${DEFAULT-VALUE}).")
    private String model;

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            description = "The prompt (default: a sample that ships).")
    private String prompt;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "32",
            description = "The most tokens to make (default: ${DEFAULT-VALUE}).")
    private int maxTokens;

    @Option(
            names = "--rounds",
            paramLabel = "N",
            description =
                    "Counted rounds of each step, however long they take (default: up to 5, as many"
                            + " as 36 s allow).")
    private Integer rounds;

    @Option(
            names = "--steps",
            paramLabel = "N",
            split = ",",
            defaultValue = "0,0.5,1,1.5,2,3",
            description =
                    "Steps to run: 0 (always, on the CPU; on CUDA, too), 0.5 (XPU), 1 and 1.5 in"
                            + " two processes, 2 between unlike devices, 3 on two hosts (default:"
                            + " ${DEFAULT-VALUE}).")
    private Set<String> steps;

    @Option(
            names = "--links",
            paramLabel = "LINK",
            split = ",",
            defaultValue = "free,limited",
            description =
                    "Rows of step 1 to run: free, limited (to --bytes-per-second) (default:"
                            + " ${DEFAULT-VALUE}).")
    private Set<DemoRun.Link> links;

    @Option(
            names = {"--path", "--require"},
            paramLabel = "PATH",
            defaultValue = "tcp",
            description =
                    "The wire between the two processes; another than the default runs alone"
                            + " (default: ${DEFAULT-VALUE}).")
    private String path;

    @Option(
            names = "--codec",
            paramLabel = "CODEC",
            defaultValue = "int8",
            description =
                    "Shown beside raw on the limited link and, but for auto, in a file: raw for"
                            + " none, int8, int8+lz4, with options as in int8,keys=hadamard, or"
                            + " auto (default: ${DEFAULT-VALUE}).")
    private String codec;

    @Option(
            names = "--bytes-per-second",
            paramLabel = "N",
            defaultValue = "25000000",
            description = "Rate of the rows with a limited link (default: ${DEFAULT-VALUE}).")
    private long bytesPerSecond;

    @Option(
            names = "--threads",
            paramLabel = "N",
            defaultValue = "0",
            description =
                    "Threads that compute in each process (default: all cores). With fewer, what"
                            + " sends has cores of its own.")
    private int threads;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            converter = OutputFile.class,
            description = "Write the table to a file.")
    private Path json;

    @Option(
            names = "--timeline",
            paramLabel = "FILE",
            converter = OutputFile.class,
            description =
                    "Write what each step did when, for Perfetto (ui.perfetto.dev) or"
                            + " chrome://tracing.")
    private Path timeline;

    @Override
    public Integer call() throws IOException {
        check();
        checkPath();
        checkCodec();
        var out = spec.commandLine().getOut();
        var loaded = ModelSource.parse(model).load();
        int[] tokens = Prompts.tokens(loaded, Optional.ofNullable(prompt), longest(loaded));
        var progress = new Progress(spec.commandLine().getErr());
        var run =
                new DemoRun(
                        new DemoRun.Settings(
                                model,
                                loaded,
                                Arrays.stream(tokens).boxed().toList(),
                                maxTokens,
                                rounds == null ? ROUNDS : rounds,
                                steps,
                                links,
                                path,
                                codec,
                                bytesPerSecond,
                                threads,
                                rounds == null ? BUDGET : NO_LIMIT,
                                main.verbose()),
                        progress::show);
        var report =
                run.run(made -> {
                    progress.clear();
                    show(out, loaded, tokens, made);
                });
        progress.clear();
        report.print(out);
        run.remarks().forEach(out::println);
        out.flush();
        if (json != null) {
            report.write(json);
        }
        if (timeline != null) {
            run.trace().write(timeline);
        }
        return status(report, spec.commandLine().getErr());
    }

    /** {@return the exit status: any difference counts} */
    static int status(DemoReport report, PrintWriter err) {
        if (report.allTokensMatch()) {
            return ExitCode.OK;
        }
        err.println("kvwire: a step failed or its tokens differ from those of step 0");
        err.flush();
        return ExitCode.SOFTWARE;
    }

    private void check() {
        require(maxTokens >= 1, "--max-tokens " + maxTokens + ": need at least 1");
        require(rounds == null || rounds >= 1, "--rounds " + rounds + ": need at least 1");
        require(bytesPerSecond >= 1, "--bytes-per-second " + bytesPerSecond + ": need at least 1");
        require(threads >= 0, "--threads " + threads + ": need at least 1, or 0 for all cores");
        require(
                Set.of("0", "0.5", "1", "1.5", "2", "3").containsAll(steps),
                "--steps " + steps + ": there are 0, 0.5, 1, 1.5, 2 and 3");
    }

    /** Makes one, which says what is wrong, and costs nothing as long as it has no work. */
    private void checkCodec() {
        try {
            var config = CodecConfig.parse(codec);
            config.codecs().forEach(each -> KvCodecProvider.create(each, config.model()));
        } catch (IllegalArgumentException e) {
            throw new ParameterException(
                    spec.commandLine(), "--codec " + codec + ": " + e.getMessage(), e);
        }
    }

    /** Now, rather than in each of the processes that the demo starts. */
    private void checkPath() {
        var providers = Wires.discovered().paths();
        var reason =
                providers.stream()
                        .filter(provider -> provider.name().equals(path))
                        .findFirst()
                        .map(provider ->
                                provider.unavailable(NodeConfig.named("demo").connectOnly()))
                        .orElse(
                                Optional.of(
                                        "there is only "
                                                + providers.stream()
                                                        .map(DataPathProvider::name)
                                                        .collect(Collectors.joining(", "))));
        if (reason.isPresent()) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE, "no path " + path + " here: " + reason.get());
        }
    }

    private void require(boolean good, String message) {
        if (!good) {
            throw new ParameterException(spec.commandLine(), message);
        }
    }

    private int longest(LoadedModel loaded) {
        return Math.min(loaded.config().maxPositions() - maxTokens, PROMPT_TOKENS);
    }

    private void show(PrintWriter out, LoadedModel loaded, int[] prompt, List<Integer> made) {
        out.printf("model %s, %d tokens of prompt, %d made%n%n", model, prompt.length, made.size());
        int[] tokens = made.stream().mapToInt(Integer::intValue).toArray();
        if (loaded.tokenizer().isPresent()) {
            var tokenizer = loaded.tokenizer().get();
            var all = tokenizer.decode(prompt);
            int from = Math.max(0, all.length() - SHOWN_PROMPT_CHARACTERS);
            out.println((from > 0 ? "... " : "") + all.substring(from));
            var text = tokenizer.text();
            var continued = new StringBuilder(">>> ");
            for (int token : tokens) {
                continued.append(text.append(token));
            }
            out.println(continued);
        } else {
            var end = Arrays.copyOf(tokens, Math.min(tokens.length, SHOWN_TOKENS));
            out.println(">>> tokens " + Arrays.toString(end));
        }
        out.println();
        out.flush();
    }
}
