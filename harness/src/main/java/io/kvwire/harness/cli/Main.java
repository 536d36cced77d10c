package io.kvwire.harness.cli;

import io.kvwire.harness.perf.PerfCommand;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** The root of the command line; prints usage or version. */
@Command(
        name = "kvwire",
        mixinStandardHelpOptions = true,
        versionProvider = BuildVersion.class,
        description = "Moves an LLM's KV cache from prefill to decode.",
        subcommands = {PerfCommand.class})
public final class Main implements Runnable {

    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    private Main() {}

    /**
     * Runs one command and exits with its status.
     *
     * @param args the command line's words
     */
    public static void main(String[] args) {
        System.exit(new CommandLine(new Main())
                        .setCaseInsensitiveEnumValuesAllowed(true)
                        .execute(args));
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }
}
