package io.kvwire.harness.cli;

import io.kvwire.harness.weights.ModelException;
import io.kvwire.transport.TransferException;

import picocli.CommandLine;
import picocli.CommandLine.ExitCode;
import picocli.CommandLine.IExecutionExceptionHandler;
import picocli.CommandLine.IParameterExceptionHandler;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.RunLast;

import java.io.FileNotFoundException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
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
        return handle(error, command);
    }

    /**
     * {@return the exit status of the command, which also an {@link Error} gives in one line:
     * picocli lets those through}
     *
     * @param parsed the command line
     */
    int run(ParseResult parsed) {
        try {
            return new RunLast().execute(parsed);
        } catch (Error e) {
            return handle(e, parsed.commandSpec().commandLine());
        }
    }

    private int handle(Throwable error, CommandLine command) {
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
                        || cause instanceof UncheckedIOException
                        || cause instanceof ExceptionInInitializerError)
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
            case FileNotFoundException e -> oneLine(e.getMessage()) + "; check the path";
            case AccessDeniedException e -> e.getMessage() + ": access denied; check its rights";
            case UnsatisfiedLinkError e ->
                    "a native library cannot be used ("
                            + oneLine(e.getMessage())
                            + "); 'kvwire doctor' says which this host has";
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
