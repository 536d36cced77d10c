package io.kvwire.pcie;

import static org.awaitility.Awaitility.await;

import io.kvwire.pcie.cuda.TestDriver;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** A JVM of its own with a {@link Neighbour} in it, which obeys line by line. */
final class OtherProcess implements AutoCloseable {
    private static final int STOP_SECONDS = 20;

    private final Process process;
    private final PrintWriter orders;
    private final BufferedReader answers;
    private final String address;
    private final String table;

    private OtherProcess(List<String> command) {
        try {
            process =
                    new ProcessBuilder(command)
                            .redirectError(ProcessBuilder.Redirect.DISCARD)
                            .start();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        orders = new PrintWriter(process.getOutputStream(), true, StandardCharsets.UTF_8);
        answers = process.inputReader(StandardCharsets.UTF_8);
        var first = line();
        address = first.substring(0, first.indexOf(' '));
        table = first.substring(first.indexOf(' ') + 1);
    }

    static OtherProcess start(String name, Path directory, boolean shared) {
        return start(name, directory, shared ? "shared" : "private");
    }

    /** Starts a neighbour with its cache in memory of the GPU that this process has opened. */
    static OtherProcess startCuda(String name, Path directory) {
        return start(name, directory, "cuda");
    }

    private static OtherProcess start(String name, Path directory, String kind) {
        return startWith(List.of(), name, directory, kind, "127.0.0.1");
    }

    /** Starts a neighbour by a command that another one follows, listening at an address. */
    static OtherProcess startWith(
            List<String> prefix, String name, Path directory, String kind, String host) {
        var command = new ArrayList<>(prefix);
        command.addAll(
                java(
                        System.getProperty("java.class.path"),
                        Neighbour.class,
                        name,
                        directory.toString(),
                        kind,
                        host));
        return new OtherProcess(command);
    }

    /** {@return the command for a JVM like this one} */
    static List<String> java(String classPath, Class<?> main, String... arguments) {
        var command =
                new ArrayList<>(
                        List.of(
                                System.getProperty("java.home") + File.separator + "bin/java",
                                "-XX:TieredStopAtLevel=1",
                                "-XX:+UseSerialGC",
                                "--enable-native-access=ALL-UNNAMED",
                                "--sun-misc-unsafe-memory-access=allow",
                                TestDriver.option(),
                                "-cp",
                                classPath,
                                main.getName()));
        command.addAll(List.of(arguments));
        return command;
    }

    private String line() {
        try {
            var line = answers.readLine();
            if (line == null) {
                throw new AssertionError("the other process has ended");
            }
            return line;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** {@return the answer to an order} */
    String ask(String order) {
        orders.println(order);
        return line();
    }

    long pid() {
        return process.pid();
    }

    String address() {
        return address;
    }

    /** {@return the table of all its blocks} */
    String table() {
        return table;
    }

    /** Sends a signal, by its name. */
    void signal(String name) {
        try {
            var kill = new ProcessBuilder("kill", "-" + name, String.valueOf(pid())).start();
            if (kill.waitFor() != 0) {
                throw new AssertionError("kill -" + name + " " + pid() + " failed");
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }

    /**
     * Stops it, and waits until each of its threads has: the signal is one thread's to take, and
     * the others go on until that one has run.
     */
    void stop() {
        signal("STOP");
        await().until(() -> {
            try (var threads = Files.list(Path.of("/proc", String.valueOf(pid()), "task"))) {
                return threads.allMatch(OtherProcess::isStopped);
            }
        });
    }

    /** The state stands behind the name, which is in brackets. */
    private static boolean isStopped(Path thread) {
        try {
            var stat = Files.readString(thread.resolve("stat"));
            return stat.startsWith("T", stat.lastIndexOf(')') + 2);
        } catch (NoSuchFileException e) {
            return true; // ended meanwhile
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Kills it, as no process can prevent, and waits until it is gone. */
    void kill() {
        process.destroyForcibly();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("process " + pid() + " survives its SIGKILL");
            }
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }

    /** Lets it end by itself, and waits until it has. */
    int leave() {
        orders.close();
        try {
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                throw new AssertionError("process " + pid() + " does not end");
            }
            return process.exitValue();
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted", e);
        }
    }

    @Override
    public void close() {
        if (process.isAlive()) {
            kill();
        }
        orders.close();
    }
}
