package io.kvwire.harness.perf;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** {@code kvwire perf}: groups the two ends of a measurement. */
@Command(
        name = "perf",
        mixinStandardHelpOptions = true,
        description = "Measures transfers between two hosts.",
        subcommands = {PerfServeCommand.class, PerfRunCommand.class})
public final class PerfCommand implements Runnable {
    @Spec private CommandSpec spec;

    /** Made by the command line. */
    public PerfCommand() {}

    @Override
    public void run() {
        throw new CommandLine.ParameterException(
                spec.commandLine(), "say 'perf serve' on one host and 'perf run' on the other");
    }
}
