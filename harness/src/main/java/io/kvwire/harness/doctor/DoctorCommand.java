package io.kvwire.harness.doctor;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.harness.options.OutputFile;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/** {@code kvwire doctor}: says what this host can do, and why not. */
@Command(
        name = "doctor",
        mixinStandardHelpOptions = true,
        description = "Says what this host can do, and why not.")
public final class DoctorCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Option(
            names = "--json",
            paramLabel = "FILE",
            converter = OutputFile.class,
            description = "Write the findings as JSON.")
    private Path json;

    /** Made by the command line. */
    public DoctorCommand() {}

    @Override
    public Integer call() throws IOException {
        var findings = Doctor.examine(new HostFiles(Path.of("/")));
        show(findings);
        if (json != null) {
            JsonMapper.builder()
                    .enable(SerializationFeature.INDENT_OUTPUT)
                    .build()
                    .writeValue(json.toFile(), Map.of("findings", findings));
        }
        return CommandLine.ExitCode.OK;
    }

    private void show(List<Finding> findings) {
        var out = spec.commandLine().getOut();
        int width = findings.stream().mapToInt(each -> each.what().length()).max().orElse(1);
        for (var finding : findings) {
            out.printf(
                    "%-" + width + "s  %-7s  %s%n",
                    finding.what(),
                    finding.state().name().toLowerCase(Locale.ROOT),
                    finding.detail());
        }
        out.flush();
    }
}
