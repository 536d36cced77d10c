package io.kvwire.harness.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.kvwire.harness.demo.ChildJvm;
import io.kvwire.harness.demo.DemoReport;
import io.kvwire.pcie.SharedArena;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import picocli.CommandLine.Command;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

@Timeout(120)
class CommandLineTest {
    @TempDir private Path folder;

    private static void failsInOneLine(int status, String says, String... words) {
        var ran = CommandLineRun.of(words);
        assertEquals(1, ran.err().lines().count(), ran.err());
        assertTrue(ran.err().startsWith("kvwire: "), ran.err());
        assertTrue(ran.err().contains(says), ran.err());
        assertEquals(status, ran.status());
    }

    @Test
    void aWrongFlagIsNamed() {
        failsInOneLine(2, "--modle", "demo", "--modle", "tiny");
        failsInOneLine(2, "write HOST:PORT", "decode", "--prefill", "here");
        failsInOneLine(2, "there are 0, 0.5, 1, 1.5, 2 and 3", "demo", "--steps", "4");
        failsInOneLine(2, "--prefill", "decode");
        failsInOneLine(2, "--alone", "decode", "--alone", "--prefill", "localhost:1");
        failsInOneLine(2, "no rig at", "rig", "run", "--rails", "2", "true");
        failsInOneLine(1, "1 to 64", "prefill", "--model", "tiny", "--lanes", "0");
    }

    @Test
    void aFileThatCannotBeWrittenIsNamedBeforeAnyWork() {
        var missing = folder.resolve("nowhere/out").toString();
        for (var words :
                List.of(
                        // Whatever connects or loads says so first if it comes to that.
                        List.of("perf", "run", "127.0.0.1:1", "--json"),
                        List.of("decode", "--prefill", "127.0.0.1:1", "--json"),
                        List.of("decode", "--prefill", "127.0.0.1:1", "--timeline"),
                        List.of("demo", "--model", "none", "--json"),
                        List.of("demo", "--model", "none", "--timeline"),
                        List.of("bench", "--json"),
                        List.of("bench", "--html"),
                        List.of("serve-sim", "--model", "none", "--json"),
                        List.of("serve-sim", "--model", "none", "--html"),
                        List.of("quality", "--model", "none", "--json"),
                        List.of("quality", "--model", "none", "--chart"),
                        List.of("doctor", "--json"))) {
            var all = Stream.concat(words.stream(), Stream.of(missing)).toArray(String[]::new);
            failsInOneLine(2, words.getLast(), all);
            failsInOneLine(2, missing + ": its folder does not exist", all);
        }
        failsInOneLine(2, "is a folder", "doctor", "--json", folder.toString());
        assertFalse(Files.exists(folder.resolve("nowhere")), "nothing is made");
    }

    @Command(name = "breaks")
    private static final class Breaks implements Runnable {
        private final Error error;

        Breaks(Error error) {
            this.error = error;
        }

        @Override
        public void run() {
            throw error;
        }
    }

    private static String errorOf(Error error, String... words) {
        var err = new StringWriter();
        int status =
                Main.commandLine()
                        .addSubcommand(new Breaks(error))
                        .setErr(new PrintWriter(err))
                        .execute(words);
        assertEquals(1, status);
        assertTrue(err.toString().startsWith("kvwire: "), err.toString());
        return err.toString();
    }

    @Test
    void whatIsNoExceptionIsToldInOneLineToo() {
        var memory = errorOf(new OutOfMemoryError("Java heap space"), "breaks");
        assertEquals(1, memory.lines().count(), memory);
        assertTrue(memory.contains("out of memory (Java heap space)"), memory);

        var library = errorOf(new UnsatisfiedLinkError("no tokenizers"), "breaks");
        assertEquals(1, library.lines().count(), library);
        assertTrue(library.contains("no tokenizers"), library);

        var early = new ExceptionInInitializerError(new UnsatisfiedLinkError("no tokenizers"));
        assertEquals(library, errorOf(early, "breaks"));

        var other = errorOf(new StackOverflowError("deep"), "breaks");
        assertEquals(1, other.lines().count(), other);

        var shown = errorOf(new OutOfMemoryError("Java heap space"), "--verbose", "breaks");
        assertTrue(shown.contains("\tat "), shown);
    }

    @Test
    void onlyTheCommandThatIsNamedIsSetUp() {
        assertEquals(Set.of("perf"), Main.commandLine("perf", "run").getSubcommands().keySet());
        var all = Main.commandLine().getSubcommands().keySet();
        assertTrue(
                all.containsAll(Set.of("demo", "prefill", "decode", "perf", "doctor")), "" + all);
        assertEquals(all, Main.commandLine("--verbose", "perf").getSubcommands().keySet());
        assertEquals(all, Main.commandLine("perfect").getSubcommands().keySet());
    }

    @Test
    void aMissingModelIsNamed() {
        var missing = folder.resolve("nothing").toString();
        failsInOneLine(1, missing, "demo", "--model", missing);
        failsInOneLine(1, missing, "prefill", "--model", missing);
    }

    @Test
    void aMissingPromptFileIsNamed() {
        var missing = folder.resolve("prompt.txt").toString();
        failsInOneLine(1, missing, "decode", "--prefill", "127.0.0.1:1", "--prompt-file", missing);
    }

    @Test
    void aPortInUseIsNamed() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var address = "127.0.0.1:" + taken.getLocalPort();
            failsInOneLine(1, address, "prefill", "--model", "tiny", "--listen", address);
        }
    }

    @Test
    void anUnreachableHostIsNamed() throws IOException {
        int closed;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        var address = "127.0.0.1:" + closed;
        failsInOneLine(1, address, "decode", "--model", "tiny", "--prefill", address);
    }

    @Test
    void aPathThatIsNotThereIsNamed() {
        for (var command : List.of("prefill", "demo")) {
            failsInOneLine(1, "pigeon", command, "--model", "tiny", "--path", "pigeon");
        }
        failsInOneLine(1, "pigeon", "perf", "serve", "--port", "0", "--path", "pigeon");
    }

    @Test
    void requiringRdmaFailsOnAHostWithoutADevice() {
        assumeTrue(!Files.isDirectory(Path.of("/sys/class/infiniband")), "has RDMA devices");
        failsInOneLine(1, "rdma", "demo", "--model", "tiny", "--require", "rdma");
        failsInOneLine(1, "rdma", "prefill", "--model", "tiny", "--require", "rdma");
        failsInOneLine(1, "rdma", "perf", "serve", "--port", "0", "--require", "rdma");
        failsInOneLine(
                1,
                "rdma",
                "decode",
                "--model",
                "tiny",
                "--prefill",
                "127.0.0.1:1",
                "--require",
                "rdma");
        failsInOneLine(1, "rdma", "perf", "run", "127.0.0.1:1", "--require", "rdma");
    }

    @Test
    void verboseShowsWhere() {
        var ran =
                CommandLineRun.of(
                        "--verbose", "demo", "--model", folder.resolve("nothing").toString());

        assertTrue(ran.err().contains("\tat "), ran.err());
    }

    @Test
    void anyDifferenceMakesTheExitStatusNonZero() {
        var err = new StringWriter();
        assertEquals(1, DemoCommand.status(new DemoReport(List.of(), 0), new PrintWriter(err)));
        assertEquals(1, err.toString().lines().count());
    }

    @Test
    void prefillAndDecodeRunInTwoProcesses() throws IOException {
        var words =
                List.of(
                        "prefill",
                        "--model",
                        "tiny",
                        "--listen",
                        "127.0.0.1:0",
                        "--tokens-per-block",
                        "32",
                        "--until-input-ends");
        var file = folder.resolve("run.json");
        var timeline = folder.resolve("timeline.json");
        try (var prefill = ChildJvm.start("prefill", List.of(), false, words)) {
            var address =
                    prefill.receive(Duration.ofMinutes(1)).substring("listening on ".length());
            var ran =
                    CommandLineRun.of(
                            "decode",
                            "--model",
                            "tiny",
                            "--prefill",
                            address,
                            "--max-tokens",
                            "9",
                            "--mode",
                            "layerwise",
                            "--require",
                            "tcp",
                            "--json",
                            file.toString(),
                            "--timeline",
                            timeline.toString());

            assertEquals(0, ran.status(), ran.err());
            assertTrue(ran.out().contains("TTFT"), ran.out());
            assertTrue(ran.out().contains("could be hidden"), ran.out());
            var json = new ObjectMapper().readTree(file.toFile());
            assertEquals("tcp", json.get("path").asText());
            assertEquals(9, json.get("tokens").size());
            assertTrue(json.get("transferBytes").asLong() > 0);
            assertEquals("layerwise", json.at("/choices/mode").asText());
            assertEquals("run", json.at("/overlap/against").asText());
            var units = json.at("/overlap/units");
            assertTrue(units.size() > 0, json.toString());
            var events = new ObjectMapper().readTree(timeline.toFile()).get("traceEvents");
            for (var row : List.of("compute", "wire")) {
                long shown = 0;
                for (var event : events) {
                    shown += row.equals(event.path("cat").asText()) ? 1 : 0;
                }
                assertEquals(units.size(), shown, "one event for each unit in row " + row);
            }
        }
    }

    @Test
    void theDemoWritesEveryStepWithEveryKey() throws IOException {
        var file = folder.resolve("demo.json");

        var ran =
                CommandLineRun.of(
                        "demo",
                        "--model",
                        "tiny",
                        "--steps",
                        "0,1",
                        "--rounds",
                        "1",
                        "--max-tokens",
                        "6",
                        "--json",
                        file.toString());

        assertEquals(0, ran.status(), ran.out() + ran.err());
        JsonNode report = new ObjectMapper().readTree(file.toFile());
        assertTrue(report.get("totalSeconds").asDouble() > 0, report.toString());
        assertTrue(ran.out().contains(" rows in "), ran.out());
        JsonNode steps = report.get("steps");
        Set<String> seen = new HashSet<>();
        for (var step : steps) {
            for (var key :
                    List.of(
                            "step",
                            "ttftMillis",
                            "tpotMillis",
                            "transferMillis",
                            "transferBytes",
                            "hiddenShare")) {
                assertTrue(step.get(key).isNumber(), key + " in " + step);
            }
            for (var key : List.of("path", "codec", "mode")) {
                assertTrue(step.get(key).isTextual(), key + " in " + step);
            }
            assertEquals("cpu", step.get("prefillDevice").asText());
            assertEquals("cpu", step.get("decodeDevice").asText());
            assertTrue(step.get("tokensMatch").booleanValue(), step.toString());
            seen.add(
                    step.get("step").asInt()
                            + " "
                            + step.get("path").asText()
                            + " "
                            + step.get("mode").asText());
        }
        var expected = new HashSet<>(Set.of("0 none none", "1 file file"));
        expected.add("1 tcp auto");
        var wires = SharedArena.unavailable().isEmpty() ? List.of("tcp", "pcie") : List.of("tcp");
        for (var wire : wires) {
            for (var mode : List.of("bulk", "layerwise", "pull")) {
                expected.add("1 " + wire + " " + mode);
            }
        }
        assertEquals(expected, seen);
    }
}
