package io.kvwire.harness.perf;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;

import io.kvwire.harness.cli.CommandLineRun;
import io.kvwire.pcie.SharedArena;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.StreamSupport;

/** {@code kvwire perf} from its words to its report, against a server of this process. */
@Timeout(120)
class PerfRunTest {
    private static final long SERVER_BYTES = 8 << 20;

    @TempDir private Path folder;

    /** Runs the words against a server; a verified point is short, as nothing is measured here. */
    private CommandLineRun run(String... words) {
        var config =
                NodeConfig.named("perf-server")
                        .withCodec(CodecConfig.of("raw", "int8", "raw+lz4"))
                        .withListen(new NodeAddress("127.0.0.1", 0))
                        .withLanes(NodeConfig.MAX_LANES)
                        .withLimits(PerfServer.limits());
        try (var server = PerfServer.start(config, SERVER_BYTES, false)) {
            var all = new ArrayList<>(List.of("perf", "run", server.node().address().toString()));
            all.addAll(List.of("--seconds", "0.05", "--json", json().toString()));
            all.addAll(List.of(words));
            return CommandLineRun.of(all.toArray(String[]::new));
        }
    }

    private Path json() {
        return folder.resolve("perf.json");
    }

    private JsonNode report() throws IOException {
        return new ObjectMapper().readTree(json().toFile());
    }

    @Test
    void writesAndReadsAreVerifiedAndReportedWithEveryKey() throws IOException {
        var ran =
                run(
                        "--op",
                        "write,read",
                        "--block-bytes",
                        "4KiB",
                        "--block-count",
                        "16",
                        "--working-set-bytes",
                        "1MiB",
                        "--scattered",
                        "--verify");

        assertEquals(0, ran.status(), ran.err());
        assertEquals(
                SharedArena.unavailable().isEmpty() ? "pcie" : "tcp",
                report().get("path").asText());
        assertTrue(report().get("pathReason").isTextual(), report().toString());
        var results = report().get("results");
        assertEquals(2, results.size());
        assertEquals("write", results.get(0).get("op").asText());
        assertEquals("read", results.get(1).get("op").asText());
        for (var result : results) {
            assertEquals(4096, result.get("blockBytes").asLong());
            assertEquals(16, result.get("blockCount").asInt());
            assertEquals(1 << 20, result.get("workingSetBytes").asLong());
            assertEquals(2, result.get("lanes").asInt());
            assertTrue(result.get("verified").booleanValue(), result.toString());
            for (var key :
                    List.of(
                            "gigabytesPerSecond",
                            "descriptorsPerSecond",
                            "p50Micros",
                            "p99Micros",
                            "cpuSecondsPerGigabyte")) {
                assertTrue(result.get(key).asDouble() > 0, key + " in " + result);
            }
        }
    }

    @Test
    void blocksGoInTheCodecThatIsAskedFor() throws IOException {
        var ran =
                run(
                        "--codec",
                        "int8",
                        "--op",
                        "write,read",
                        "--block-bytes",
                        "16KiB",
                        "--block-count",
                        "16",
                        "--working-set-bytes",
                        "1MiB");

        assertEquals(0, ran.status(), ran.err());
        var results = report().get("results");
        assertEquals("int8", results.get(0).get("codec").asText());
        for (var result : results) {
            assertTrue(result.get("ratio").asDouble() > 1.9, result.toString());
        }
    }

    @Test
    void codecsTakeTurnsOverLinksOfEachRate() throws IOException {
        var ran =
                run(
                        "--codec",
                        "raw",
                        "--codec",
                        "int8",
                        "--bytes-per-second",
                        "20000000,0",
                        "--rounds",
                        "2",
                        "--path",
                        "tcp",
                        "--depth",
                        "1",
                        "--block-bytes",
                        "64KiB",
                        "--block-count",
                        "16",
                        "--hot");

        assertEquals(0, ran.status(), ran.err());
        var results = report().get("results");
        assertEquals(
                List.of(
                        "raw at 20000000",
                        "int8 at 20000000",
                        "raw at 20000000",
                        "int8 at 20000000",
                        "raw at 0",
                        "int8 at 0",
                        "raw at 0",
                        "int8 at 0"),
                StreamSupport.stream(results.spliterator(), false)
                        .map(result ->
                                result.get("codecAsked").asText()
                                        + " at "
                                        + result.get("bytesPerSecond").asLong())
                        .toList());
        for (var result : results) {
            double rate = result.get("bytesPerSecond").asDouble();
            double wire =
                    result.get("gigabytesPerSecond").asDouble() / result.get("ratio").asDouble();
            // A link that had a pause may send at once what a few milliseconds allow.
            assertTrue(rate == 0 || wire * 1e9 < 1.5 * rate, result.toString());
        }
    }

    @Test
    void autoSaysWhatItChoseAndWhy() throws IOException {
        var ran =
                run(
                        "--codec",
                        "auto",
                        "--path",
                        "tcp",
                        "--block-bytes",
                        "64KiB",
                        "--block-count",
                        "16",
                        "--hot");

        assertEquals(0, ran.status(), ran.err());
        var result = report().get("results").get(0);
        assertEquals("auto", result.get("codecAsked").asText());
        assertTrue(List.of("raw", "int8").contains(result.get("codec").asText()), ran.out());
        assertFalse(result.get("codecReason").asText().isEmpty(), result.toString());
        assertTrue(ran.out().contains("auto: " + result.get("codec").asText()), ran.out());
    }

    @Test
    void aLosslessCodecIsVerified() throws IOException {
        var ran =
                run(
                        "--codec",
                        "raw+lz4",
                        "--block-bytes",
                        "16KiB",
                        "--block-count",
                        "16",
                        "--working-set-bytes",
                        "1MiB",
                        "--verify");

        assertEquals(0, ran.status(), ran.err());
        var result = report().get("results").get(0);
        assertEquals("raw+lz4", result.get("codec").asText());
        assertTrue(result.get("ratio").asDouble() > 1, result.toString());
        assertTrue(result.get("verified").booleanValue(), result.toString());
    }

    @Test
    void bytesThatACodecChangesAreNotVerified() {
        var ran = run("--codec", "int8", "--verify");

        assertEquals(2, ran.status());
        assertTrue(ran.err().contains("kvwire quality"), ran.err());
    }

    @Test
    void aMessageGoesThereAndBack() throws IOException {
        var ran = run("--op", "notify", "--block-bytes", "64");

        assertEquals(0, ran.status(), ran.err());
        var result = report().get("results").get(0);
        assertEquals("notify-sleep", result.get("op").asText());
        assertEquals(64, result.get("blockBytes").asLong());
        assertTrue(result.get("p50Micros").asDouble() > 0, result.toString());
        assertTrue(result.get("verified").isNull(), "a message is not compared");
    }

    @Test
    void listsOfSizesAreSwept() throws IOException {
        var ran =
                run(
                        "--block-bytes",
                        "4096,64KiB",
                        "--block-count",
                        "1,4",
                        "--lanes",
                        "1,2",
                        "--hot",
                        "--verify");

        assertEquals(0, ran.status(), ran.err());
        var points =
                StreamSupport.stream(report().get("results").spliterator(), false)
                        .map(result ->
                                result.get("lanes").asInt()
                                        + " lanes, "
                                        + result.get("blockCount").asInt()
                                        + " x "
                                        + result.get("blockBytes").asInt())
                        .toList();
        assertEquals(
                List.of(
                        "1 lanes, 1 x 4096",
                        "1 lanes, 4 x 4096",
                        "1 lanes, 1 x 65536",
                        "1 lanes, 4 x 65536",
                        "2 lanes, 1 x 4096",
                        "2 lanes, 4 x 4096",
                        "2 lanes, 1 x 65536",
                        "2 lanes, 4 x 65536"),
                points);
    }

    @Test
    void workingSetsAreSwept() throws IOException {
        var ran =
                run(
                        "--op",
                        "write,notify",
                        "--block-bytes",
                        "4KiB",
                        "--block-count",
                        "1,4",
                        "--working-set-bytes",
                        "64KiB,1MiB",
                        "--verify");

        assertEquals(0, ran.status(), ran.err());
        var points =
                StreamSupport.stream(report().get("results").spliterator(), false)
                        .filter(result -> result.get("op").asText().equals("write"))
                        .map(result ->
                                result.get("blockCount").asInt()
                                        + " of "
                                        + result.get("workingSetBytes").asInt())
                        .toList();
        assertEquals(List.of("1 of 65536", "1 of 1048576", "4 of 65536", "4 of 1048576"), points);
    }

    @Test
    void aWorkingSetTooSmallForAnyPointOfASweepIsNamedBeforeAnythingIsSent() {
        failsInOneLine(
                2,
                "--working-set-bytes 4096 does not hold",
                run("--block-bytes", "64KiB", "--working-set-bytes", "64MiB,4KiB"));
    }

    @Test
    void wrongSizesAreNamedBeforeAnythingIsSent() {
        failsInOneLine(2, "--block-bytes", run("--block-bytes", "nothing"));
        failsInOneLine(2, "multiple of 8", run("--block-bytes", "12"));
        failsInOneLine(2, "does not hold", run("--working-set-bytes", "4KiB"));
        failsInOneLine(2, "--depth", run("--depth", "0"));
        failsInOneLine(2, "--rounds", run("--rounds", "0"));
        failsInOneLine(2, "bytesPerSecond is -1", run("--bytes-per-second", "-1"));
        failsInOneLine(2, "--sedonds", run("--sedonds", "1"));
    }

    @Test
    void aWorkingSetThatTheServerDoesNotGiveIsRefused() {
        failsInOneLine(1, "--max-bytes", run("--working-set-bytes", "16MiB"));
    }

    @Test
    void aPathThatThereIsNotIsRefused() {
        failsInOneLine(1, "carrier-pigeon", run("--require", "carrier-pigeon"));
    }

    @Test
    void aPortInUseIsNamed() throws IOException {
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            var address = "127.0.0.1:" + taken.getLocalPort();
            failsInOneLine(1, address, CommandLineRun.of("perf", "serve", "--listen", address));
        }
    }

    @Test
    void anUnreachableServerIsNamed() throws IOException {
        int closed;
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            closed = socket.getLocalPort();
        }
        var address = "127.0.0.1:" + closed;
        failsInOneLine(1, address, CommandLineRun.of("perf", "run", address));
    }

    private static void failsInOneLine(int status, String says, CommandLineRun ran) {
        assertEquals(1, ran.err().lines().count(), ran.err());
        assertTrue(ran.err().startsWith("kvwire: "), ran.err());
        assertTrue(ran.err().contains(says), ran.err());
        assertEquals(status, ran.status(), ran.err());
    }
}
