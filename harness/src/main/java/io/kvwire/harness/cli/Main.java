package io.kvwire.harness.cli;

import io.kvwire.harness.bench.BenchCommand;
import io.kvwire.harness.bench.worker.BenchWorkerCommand;
import io.kvwire.harness.doctor.DoctorCommand;
import io.kvwire.harness.perf.PerfCommand;
import io.kvwire.harness.quality.QualityCommand;
import io.kvwire.harness.serve.ServeSimCommand;
import io.kvwire.harness.serve.ServeWorkerCommand;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

import java.util.List;

/** The root of the command line; prints usage or version. */
@Command(
        name = "kvwire",
        mixinStandardHelpOptions = true,
        versionProvider = BuildVersion.class,
        description = "Moves an LLM's KV cache from prefill to decode.")
public final class Main implements Runnable {

    private static final List<Class<?>> COMMANDS =
            List.of(
                    DemoCommand.class,
                    PrefillCommand.class,
                    DecodeCommand.class,
                    DemoWorkerCommand.class,
                    RehearseCommand.class,
                    PerfCommand.class,
                    BenchCommand.class,
                    BenchWorkerCommand.class,
                    ServeSimCommand.class,
                    ServeWorkerCommand.class,
                    QualityCommand.class,
                    DoctorCommand.class,
                    RigCommand.class);

    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Option(
            names = "--verbose",
            scope = ScopeType.INHERIT,
            description = "Show the stack trace of an error, and what child processes say.")
    private boolean verbose;

    private Main() {}

    /**
     * Runs one command and exits with its status.
     *
     * @param args the command line's words
     */
    public static void main(String[] args) {
        Logs.quietUnless(List.of(args).contains("--verbose"));
        System.exit(commandLine(args).execute(args));
    }

    /**
     * {@return the command line, with errors in one line each}
     *
     * <p>A command that comes first is the only one that is set up, since picocli reads the
     * annotations of each by reflection: most of the time of a start.
     *
     * @param args the words that it is for
     */
    static CommandLine commandLine(String... args) {
        var root = new Main();
        var errors = new OneLineErrors(root::verbose);
        var line = new CommandLine(root);
        var named =
                COMMANDS.stream()
                        .filter(each -> args.length > 0 && isCalled(each, args[0]))
                        .toList();
        (named.isEmpty() ? COMMANDS : named).forEach(line::addSubcommand);
        return line.setCaseInsensitiveEnumValuesAllowed(true)
                .setExecutionStrategy(errors::run)
                .setParameterExceptionHandler(errors)
                .setExecutionExceptionHandler(errors);
    }

    private static boolean isCalled(Class<?> command, String name) {
        return command.getAnnotation(Command.class).name().equals(name);
    }

    /** {@return whether the user wants to see everything} */
    boolean verbose() {
        return verbose;
    }

    @Override
    public void run() {
        spec.commandLine().usage(spec.commandLine().getOut());
    }
}
