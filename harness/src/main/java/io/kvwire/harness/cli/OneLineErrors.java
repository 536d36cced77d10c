package io.kvwire.harness.cli;

import io.kvwire.harness.weights.ModelException;
import io.kvwire.transport.TransferException;

import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

import java.io.UncheckedIOException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;

/**
 * Tells the user of an error in one line: what, where, what to do. A stack trace comes with {@code
 * --verbose} alone. Exit status 2 for a command line that cannot be understood, 1 for the rest.
 */
final class OneLineErrors implements IParameterExceptionHandler, IExecutionExceptionHandler {
    private final BooleanSupplier verbose;

    OneLineErrors(BooleanSupplier verbose) {
        this.verbose = verbose;
    }

    @Override
    public int handleParseException(ParameterException error, String[] args) {
        var command = error.getCommandLine();
        var help = command.getCommandSpec().qualifiedName() + " --help";
        show(
                command,
                oneLine(error.getMessage()).replaceFirst("^Error: ", "") + " (see " + help + ")",
                error);
        return ExitCode.USAGE;
    }

    @Override
    public int handleExecutionException(Exception error, CommandLine command, ParseResult parsed) {
        var cause = unwrapped(error);
        show(command, message(cause), cause);
        return ExitCode.SOFTWARE;
    }

    private void show(CommandLine command, String line, Throwable error) {
        command.getErr().println("kvwire: " + line);
        if (verbose.getAsBoolean()) {
            error.printStackTrace(command.getErr());
        }
        command.getErr().flush();
    }

    private static Throwable unwrapped(Throwable error) {
        var cause = error;
        while ((cause instanceof CompletionException
                        || cause instanceof ExecutionException
                        || cause instanceof UncheckedIOException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    private static String message(Throwable error) {
        return switch (error) {
            case ModelException e -> oneLine(e.getMessage());
            case TransferException e -> oneLine(e.getMessage());
            // What the values of a configuration say about a number out of range.
            case IllegalArgumentException e -> oneLine(e.getMessage());
            case NoSuchFileException e -> e.getMessage() + " does not exist; check the path";
            case OutOfMemoryError e ->
                    "out of memory ("
                            + oneLine(e.getMessage())
                            + "); take a smaller cache or model, or raise -Xmx in KVWIRE_JAVA_OPTS";
            default -> oneLine(error.toString()) + " (--verbose shows where)";
        };
    }

    private static String oneLine(String text) {
        return String.valueOf(text).strip().replaceAll("\\s*\\R\\s*", " ");
    }
}
