package io.kvwire.harness.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;

/**
 * {@code kvwire rig}: RDMA between virtual hosts. A front for the script that boots them, which
 * also runs by itself.
 */
@Command(
        name = "rig",
        description = {
            "Runs RDMA on virtual hosts with Soft-RoCE: no RDMA hardware, no root.",
            "  conformance [--provider P]  the conformance suite of the RDMA path, in one guest",
            "  two-hosts                   transfers and faults between two guests",
            "  demo [--json FILE]          prefill in one guest and decode in the other",
            "  run, test                   a command or JUnit tests of your own",
            "'kvwire rig COMMAND --help' says more."
        })
final class RigCommand implements Callable<Integer> {
    /** System property: the folder that the launcher lies in. */
    private static final String HOME = "kvwire.home";

    @Spec private CommandSpec spec;

    /** All of them: the script knows its own options. */
    @Unmatched private List<String> words = new ArrayList<>();

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (words.isEmpty() || words.equals(List.of("--help"))) {
            spec.commandLine().usage(spec.commandLine().getOut());
            return words.isEmpty() ? CommandLine.ExitCode.USAGE : CommandLine.ExitCode.OK;
        }
        var command = new ArrayList<>(List.of(script().toString()));
        command.addAll(words);
        var builder = new ProcessBuilder(command).inheritIO();
        builder.environment().put("KVWIRE_JAVA_HOME", System.getProperty("java.home"));
        var rig = builder.start();
        // The script ends its guests when it is told to stop; it must not outlive us.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(rig), "stop-rig"));
        return rig.waitFor();
    }

    private static void stop(Process rig) {
        rig.destroy();
        try {
            rig.waitFor();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private Path script() {
        var script = Path.of(System.getProperty(HOME, "")).resolve("transport-rdma/rig/rig");
        if (!Files.isExecutable(script)) {
            throw new CommandLine.ParameterException(
                    spec.commandLine(),
                    "no rig at "
                            + script.toAbsolutePath()
                            + ": run it from a checkout, with its"
                            + " ./kvwire");
        }
        return script;
    }
}
