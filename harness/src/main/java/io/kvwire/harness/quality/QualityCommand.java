package io.kvwire.harness.quality;

import io.kvwire.harness.model.ModelSource;
import io.kvwire.harness.options.OutputFile;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** {@code kvwire quality}: what each codec does to the text of a model. */
@Command(
        name = "quality",
        mixinStandardHelpOptions = true,
        description = {
            "Measures what codecs do to a model.",
            "Prefills texts, moves the cache through each codec, and scores the rest of each text"
                    + " from what arrived."
        })
public final class QualityCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            defaultValue = "trained",
            description =
                    "trained, tiny, small, or a folder with config.json and model.safetensors"
                            + " (default: ${DEFAULT-VALUE}).")
    private String model;

    @Option(names = "--quick", description = "Few and short texts: to see that it works.")
    private boolean quick;

    @Option(
            names = "--max-perplexity-change",
            paramLabel = "PERCENT",
            description =
                    "Fail when INT8 raises perplexity by more than this (default:"
                            + " ${DEFAULT-VALUE}).")
    private double maxPerplexityChange = 0.5;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            converter = OutputFile.class,
            description = "Write the results as JSON.")
    private Path json;

    @Option(
            names = "--chart",
            paramLabel = "FILE",
            converter = OutputFile.class,
            description = "Draw logit errors as SVG.")
    private Path chart;

    /** Made by the command line. */
    public QualityCommand() {}

    @Override
    public Integer call() throws IOException {
        var out = spec.commandLine().getOut();
        var err = spec.commandLine().getErr();
        var effort = quick ? QualityRun.Effort.QUICK : QualityRun.Effort.FULL;
        var report =
                new QualityRun(
                                ModelSource.parse(model),
                                effort,
                                what -> {
                                    err.println(what);
                                    err.flush();
                                })
                        .run();
        report.print(out);
        if (json != null) {
            report.write(json);
        }
        if (chart != null) {
            QualityChart.write(report, chart);
        }
        var failures = report.failures(maxPerplexityChange / 100);
        failures.forEach(failure -> err.println("kvwire: " + failure));
        return failures.isEmpty() ? CommandLine.ExitCode.OK : CommandLine.ExitCode.SOFTWARE;
    }
}
