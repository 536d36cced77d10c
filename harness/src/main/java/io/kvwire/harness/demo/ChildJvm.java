package io.kvwire.harness.demo;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Another JVM that runs a command of this program, with this one's Java, flags and class path.
 *
 * <p>Lines go both ways over pipes. It ends when it is closed, and at the latest with this process,
 * however that ends: normally by its input's end, after Ctrl-C by a shutdown hook, and otherwise by
 * itself, since a child {@linkplain #dieWithParent watches its parent}. One thread may send while
 * another receives.
 */
public final class ChildJvm implements AutoCloseable {
    private static final String MAIN = "io.kvwire.harness.cli.Main";
    private static final Duration GRACE = Duration.ofSeconds(5);

    /** How the lines begin that a JVM prints when it crashes. */
    private static final String CRASH = "#";

    private static final int KEPT_LINES = 20;
    private static final int MAX_QUEUED_LINES = 64;

    private final String name;
    private final Process process;
    private final Thread hook;
    private final Writer input;
    private final BlockingQueue<Line> output = new ArrayBlockingQueue<>(MAX_QUEUED_LINES);
    private final Deque<String> said = new ArrayDeque<>();

    /** A line of output, or its end. */
    private sealed interface Line {
        record Text(String text) implements Line {}

        record End() implements Line {}
    }

    private ChildJvm(String name, Process process, boolean verbose) {
        this.name = name;
        this.process = process;
        hook = new Thread(this::kill, "kvwire-end-" + name);
        Runtime.getRuntime().addShutdownHook(hook);
        input = new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8);
        Thread.ofVirtual().start(this::readOutput);
        Thread.ofVirtual().start(() -> readErrors(verbose));
    }

    /**
     * Starts a process.
     *
     * @param name for messages
     * @param prefix what comes before Java, such as {@code ip netns exec NAME}; may be empty
     * @param verbose whether what it says on standard error is passed on
     * @param words the command line of this program
     * @return the process
     */
    public static ChildJvm start(
            String name, List<String> prefix, boolean verbose, List<String> words) {
        var command = Stream.of(prefix, java(), words).flatMap(List::stream).toList();
        return start(name, new ProcessBuilder(command), verbose);
    }

    /**
     * Starts any other program that speaks in lines.
     *
     * @param name for messages
     * @param program what to start
     * @param verbose whether what it says on standard error is passed on
     * @return the process
     */
    public static ChildJvm start(String name, ProcessBuilder program, boolean verbose) {
        try {
            return new ChildJvm(name, program.start(), verbose);
        } catch (IOException e) {
            throw new TransferException(
                    ErrorCode.INTERNAL, "the " + name + " process cannot be started: " + e, e);
        }
    }

    private static List<String> java() {
        var command = new ArrayList<String>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(ChildJvm::concernsChildren)
                .forEach(command::add);
        if (command.stream().noneMatch(flag -> flag.contains("jdk.incubator.vector"))) {
            command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
        }
        var classPath = System.getProperty("java.class.path");
        if (!classPath.isEmpty()) {
            command.addAll(List.of("--class-path", classPath));
        }
        var own = ChildJvm.class.getModule();
        if (own.isNamed()) {
            command.addAll(List.of("--module-path", System.getProperty("jdk.module.path")));
            command.addAll(List.of("--module", own.getName() + "/" + MAIN));
        } else {
            command.add(MAIN);
        }
        return command;
    }

    /** Whether a flag of this JVM is for its children, too: which driver they open, say. */
    static boolean concernsChildren(String flag) {
        return flag.startsWith("-X")
                || flag.startsWith("-Dkvwire.")
                || flag.startsWith("--add-modules=")
                || flag.startsWith("--enable-native-access=")
                || flag.startsWith("--sun-misc-unsafe-memory-access=");
    }

    /** To be called by a child: ends it when its parent has ended without saying so. */
    public static void dieWithParent() {
        afterParent(() -> {});
    }

    /**
     * As {@link #dieWithParent()}, and deletes a folder of temporary files first, since a parent
     * that was killed did not.
     *
     * @param folder of the parent, without folders in it
     */
    public static void dieWithParent(Path folder) {
        afterParent(() -> {
            try {
                deleteFolder(folder);
            } catch (IOException e) {
                System.err.println("kvwire: " + folder + " cannot be deleted: " + e);
            }
        });
    }

    private static void afterParent(Runnable last) {
        var parent = ProcessHandle.current().parent();
        if (parent.isPresent()) {
            var _ =
                    parent.get()
                            .onExit()
                            .thenRun(last)
                            .whenComplete((done, e) -> Runtime.getRuntime().halt(1));
        }
    }

    /** Deletes a folder and the files in it, if it is still there. */
    static void deleteFolder(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (var left = Files.list(folder)) {
            for (var file : left.toList()) {
                Files.deleteIfExists(file);
            }
        }
        Files.deleteIfExists(folder);
    }

    private void readOutput() {
        try (var lines = reader(process.getInputStream())) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                if (line.startsWith(CRASH)) {
                    keepCrash(line);
                } else {
                    output.put(new Line.Text(line));
                }
            }
            output.put(new Line.End());
        } catch (IOException e) {
            output.offer(new Line.End());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void readErrors(boolean verbose) {
        try (var lines = reader(process.getErrorStream())) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
                if (verbose) {
                    System.err.println("  " + name + ": " + line);
                }
                keep(line);
            }
        } catch (IOException e) {
            keep(e.toString());
        }
    }

    /** Of all that a JVM says of its end, the file that has the rest. */
    private void keepCrash(String line) {
        if (line.contains("hs_err")) {
            keep("its JVM crashed, and wrote " + line.substring(CRASH.length()).strip());
        }
    }

    private synchronized void keep(String line) {
        said.addLast(line);
        if (said.size() > KEPT_LINES) {
            said.removeFirst();
        }
    }

    private synchronized String lastWords() {
        return said.isEmpty() ? "it said nothing" : said.getLast();
    }

    private static BufferedReader reader(InputStream stream) {
        return new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
    }

    /** {@return its processes, those that it started included} */
    public List<ProcessHandle> processes() {
        return Stream.concat(process.descendants(), Stream.of(process.toHandle())).toList();
    }

    /** Ends them all, also those that are stopped and would not see their parent's end. */
    private void kill() {
        processes().forEach(ProcessHandle::destroyForcibly);
    }

    /**
     * Sends a line.
     *
     * @param line without its end
     */
    public void send(String line) {
        var writer = new PrintWriter(input);
        writer.println(line);
        if (writer.checkError()) {
            throw ended();
        }
    }

    /**
     * Waits for the next line.
     *
     * @param timeout how long to wait
     * @return the line
     * @throws TransferException when the process has ended or says nothing
     */
    public String receive(Duration timeout) {
        try {
            return switch (output.poll(timeout.toMillis(), TimeUnit.MILLISECONDS)) {
                case Line.Text(String text) -> text;
                case Line.End _ -> throw ended();
                case null ->
                        throw new TransferException(
                                ErrorCode.DEADLINE_EXCEEDED,
                                "the "
                                        + name
                                        + " process said nothing for "
                                        + timeout.toSeconds()
                                        + " s; --verbose shows its log");
            };
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new TransferException(ErrorCode.CANCELLED, "interrupted", e);
        }
    }

    private TransferException ended() {
        try {
            process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        return new TransferException(
                ErrorCode.PEER_LOST, "the " + name + " process has ended: " + lastWords());
    }

    @Override
    public void close() {
        try {
            input.close();
        } catch (IOException e) {
            keep(e.toString()); // It has ended already.
        }
        try {
            if (!process.waitFor(GRACE.toMillis(), TimeUnit.MILLISECONDS)) {
                kill();
                process.waitFor();
            }
        } catch (InterruptedException e) {
            kill();
            Thread.currentThread().interrupt();
        }
        try {
            Runtime.getRuntime().removeShutdownHook(hook);
        } catch (IllegalStateException e) {
            keep(e.toString()); // The JVM is on its way down, and runs the hook.
        }
    }
}
