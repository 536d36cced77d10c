package io.kvwire.harness.cli;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.options.OutputFile;
import io.kvwire.harness.split.DecodeClient;
import io.kvwire.harness.split.SingleProcess;
import io.kvwire.harness.split.SplitRun;
import io.kvwire.harness.split.TransferMode;
import io.kvwire.harness.timeline.ChromeTrace;
import io.kvwire.harness.timeline.OverlapFigures;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.PathReport;

import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.IntConsumer;
import java.util.stream.Collectors;

/** {@code kvwire decode}: has a prompt computed elsewhere, and continues it here. */
@Command(
        name = "decode",
        mixinStandardHelpOptions = true,
        description = "Has a prompt computed by a prefill node, and continues it here.")
final class DecodeCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;
    @Mixin private SeatOptions seat;
    @Mixin private LinkOptions link;

    @ArgGroup(multiplicity = "1")
    private Where where;

    private static final class Where {
        @Option(
                names = "--prefill",
                paramLabel = "HOST:PORT",
                converter = LinkOptions.AddressConverter.class,
                description = "Where kvwire prefill listens.")
        private NodeAddress prefill;

        @Option(
                names = "--alone",
                description = "Compute the prompt here as well: what every split run must equal.")
        private boolean alone;
    }

    @ArgGroup private Prompt prompt;

    private static final class Prompt {
        @Option(
                names = "--prompt",
                paramLabel = "TEXT",
                description = "The prompt (default: a sample that ships).")
        private String text;

        @Option(
                names = "--prompt-file",
                paramLabel = "FILE",
                description = "A file with the prompt, in UTF-8.")
        private Path file;
    }

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "64",
            description = "The most tokens to make (default: ${DEFAULT-VALUE}).")
    private int maxTokens;

    @Option(
            names = "--mode",
            defaultValue = "layerwise",
            description =
                    "bulk, layerwise, auto (whichever is over sooner by measured rates) or pull"
                            + " (default: ${DEFAULT-VALUE}).")
    private TransferMode mode;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            converter = OutputFile.class,
            description = "Write the figures to a file.")
    private Path json;

    @Option(
            names = "--timeline",
            paramLabel = "FILE",
            converter = OutputFile.class,
            description =
                    "Write what happened when at both ends, for Perfetto (ui.perfetto.dev) or"
                            + " chrome://tracing.")
    private Path timeline;

    @Override
    public Integer call() throws IOException {
        if (mode == TransferMode.FILE) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--mode file is the demo's own; take bulk, layerwise, auto, pull");
        }
        var given = promptText();
        var loaded = seat.load();
        int[] tokens = Prompts.tokens(loaded, given, loaded.config().maxPositions() - maxTokens);
        if (where.alone) {
            alone(loaded, tokens);
        } else {
            split(loaded, tokens);
        }
        return 0;
    }

    private void split(LoadedModel loaded, int[] tokens) throws IOException {
        var out = spec.commandLine().getOut();
        var config = link.config("decode");
        try (var device = seat.open();
                var client =
                        DecodeClient.connect(seat.seat(loaded, device), config, where.prefill)) {
            var run = client.run(tokens, mode, maxTokens, printer(loaded, out));
            out.println();
            times(out, run);
            report(out, client.path(), run);
            var figures = new LinkedHashMap<String, Object>();
            put(figures, client.path());
            figures.put("mode", mode.text());
            figures.put("choices", run.choices());
            figures.put("overlap", OverlapFigures.of(run.timeline()));
            write(figures, run);
        }
    }

    private void alone(LoadedModel loaded, int[] tokens) throws IOException {
        var out = spec.commandLine().getOut();
        try (var device = seat.open();
                var process = new SingleProcess(seat.seat(loaded, device))) {
            var run = process.run(tokens, maxTokens, printer(loaded, out));
            out.println();
            times(out, run);
            out.flush();
            write(new LinkedHashMap<>(Map.of("path", "none", "mode", "none")), run);
        }
    }

    private Optional<String> promptText() throws IOException {
        if (prompt == null) {
            return Optional.empty();
        }
        return Optional.of(prompt.text != null ? prompt.text : Files.readString(prompt.file));
    }

    private static IntConsumer printer(LoadedModel model, PrintWriter out) {
        if (model.tokenizer().isEmpty()) {
            return token -> out.print(token + " ");
        }
        var text = model.tokenizer().get().text();
        return token -> {
            out.print(text.append(token));
            out.flush();
        };
    }

    private static void times(PrintWriter out, SplitRun run) {
        out.printf(
                Locale.ROOT,
                "%n%d tokens, TTFT %.1f ms, TPOT %.2f ms, prefill %.1f ms%n",
                run.tokens().size(),
                millis(run.ttftNanos()),
                millis(run.tpotNanos()),
                millis(run.computeNanos()));
    }

    private void report(PrintWriter out, PathReport path, SplitRun run) {
        out.printf(
                Locale.ROOT,
                "%s: %.2f MB in %.1f ms, %.0f %% of it not seen in TTFT%n",
                mode.text(),
                run.bytes() / 1e6,
                millis(run.transferNanos()),
                100 * run.unseenShare());
        var choices = run.choices();
        if (mode == TransferMode.AUTO) {
            out.printf("went %s: %s%n", choices.mode(), choices.modeReason());
        }
        if (!choices.codec().isEmpty()) {
            out.printf("blocks in %s: %s%n", choices.codec(), choices.codecReason());
        }
        overlap(out, OverlapFigures.of(run.timeline()));
        out.printf(
                "path %s: %s, %d lanes, codec %s%n",
                path.path(), path.reason(), path.lanes(), path.codec());
        for (var other : path.rejected()) {
            out.println("not " + other.path() + ": " + other.reason());
        }
        path.details().entrySet().stream()
                .sorted(Map.Entry.comparingByKey())
                .forEach(detail -> out.println("  " + detail.getKey() + ": " + detail.getValue()));
        out.flush();
    }

    private static void overlap(PrintWriter out, OverlapFigures figures) {
        if (!figures.units().isEmpty()) {
            out.printf(
                    Locale.ROOT,
                    "overlap of %d units: %.1f ms, %.1f at best and %.1f one after the other; of"
                            + " the transfer %.0f %% could be hidden and %.0f %% were%n",
                    figures.units().size(),
                    figures.observedMillis(),
                    figures.idealMillis(),
                    figures.bulkMillis(),
                    100 * figures.hideableShare(),
                    100 * figures.unseenShare());
        }
    }

    private static void put(Map<String, Object> report, PathReport path) {
        report.put("path", path.path());
        report.put("pathReason", path.reason());
        report.put("pathDetails", path.details());
        report.put(
                "rejectedPaths",
                path.rejected().stream()
                        .collect(
                                Collectors.toMap(
                                        PathReport.Rejected::path, PathReport.Rejected::reason)));
        report.put("lanes", path.lanes());
        report.put("codec", path.codec());
    }

    private void write(Map<String, Object> report, SplitRun run) throws IOException {
        if (timeline != null) {
            new ChromeTrace()
                    .add("%s %s".formatted(report.get("path"), report.get("mode")), run.timeline())
                    .write(timeline);
        }
        if (json == null) {
            return;
        }
        report.put("tokens", run.tokens());
        report.put("ttftMillis", millis(run.ttftNanos()));
        report.put("tpotMillis", millis(run.tpotNanos()));
        report.put("prefillMillis", millis(run.computeNanos()));
        report.put("transferMillis", millis(run.transferNanos()));
        report.put("transferBytes", run.bytes());
        report.put("hiddenShare", run.unseenShare());
        Files.write(
                json,
                JsonMapper.builder()
                        .enable(SerializationFeature.INDENT_OUTPUT)
                        .build()
                        .writeValueAsBytes(report));
    }

    private static double millis(long nanos) {
        return nanos / 1e6;
    }
}
