package io.kvwire.rdma.rig;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The second host of two, which obeys orders over a cable that no fault is ever put on. Every order
 * is a shell command.
 */
final class OtherHost {
    /** System property: where the other host takes orders, as {@code HOST:PORT}. */
    static final String ORDERS = "kvwire.rig.orders";

    /** The address of the other host on the cable that faults are put on. */
    static final String ADDRESS = "10.9.0.2";

    private static final int ANSWER_MILLIS = 120_000;
    private static final String STATUS = "status ";

    private OtherHost() {}

    /** Skips a test where there is none. */
    static void assumePresent() {
        assumeTrue(
                System.getProperty(ORDERS) != null,
                "there is no second host here; run kvwire rig two-hosts");
    }

    /** {@return what a command prints, when it has succeeded} */
    static List<String> run(String command) {
        try (var running = new Running(command)) {
            var lines = new ArrayList<String>();
            for (var line = running.line(); !line.startsWith(STATUS); line = running.line()) {
                lines.add(line);
            }
            var status = lines.isEmpty() ? "" : String.join("\n", lines);
            if (!running.last.equals(STATUS + 0)) {
                throw new AssertionError(command + ": " + running.last + ": " + status);
            }
            return lines;
        }
    }

    /** Starts a class with this JVM's class path and settings. */
    static Running start(Class<?> main, String... arguments) {
        var runtime = ManagementFactory.getRuntimeMXBean();
        var java =
                System.getProperty("java.home") + File.separator + "bin" + File.separator + "java";
        var settings = runtime.getInputArguments().stream();
        var words =
                Stream.of(
                                Stream.of("exec", java),
                                settings,
                                Stream.of("-cp", runtime.getClassPath(), main.getName()),
                                Stream.of(arguments))
                        .flatMap(part -> part)
                        .map(word -> "'" + word + "'")
                        .collect(Collectors.joining(" "));
        return new Running(words.replaceFirst("'exec'", "exec"));
    }

    /** A command that runs there; it sees the end of its standard input when this is closed. */
    static final class Running implements AutoCloseable {
        private final Socket socket;
        private final PrintWriter out;
        private final BufferedReader in;
        private String last = "";

        private Running(String command) {
            var orders = System.getProperty(ORDERS);
            int colon = orders.indexOf(':');
            try {
                socket =
                        new Socket(
                                orders.substring(0, colon),
                                Integer.parseInt(orders.substring(colon + 1)));
                socket.setSoTimeout(ANSWER_MILLIS);
                out = new PrintWriter(socket.getOutputStream(), true, StandardCharsets.UTF_8);
                in =
                        new BufferedReader(
                                new InputStreamReader(
                                        socket.getInputStream(), StandardCharsets.UTF_8));
            } catch (IOException e) {
                throw new UncheckedIOException("no orders are taken at " + orders, e);
            }
            out.println(command);
        }

        /** Says a line and returns the answer. */
        String ask(String line) {
            out.println(line);
            var answer = line();
            if (answer.startsWith(STATUS) || answer.startsWith("error")) {
                throw new AssertionError(line + ": " + answer);
            }
            return answer;
        }

        /** {@return the next line} */
        String line() {
            try {
                var line = in.readLine();
                last = line == null ? STATUS + "unknown" : line;
                return last;
            } catch (IOException e) {
                throw new UncheckedIOException("the other host does not answer", e);
            }
        }

        @Override
        public void close() {
            try {
                socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }
}
