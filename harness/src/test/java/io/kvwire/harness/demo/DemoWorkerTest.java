package io.kvwire.harness.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.harness.model.ModelSource;
import io.kvwire.harness.split.CacheShape;
import io.kvwire.harness.split.Seat;
import io.kvwire.harness.split.TransferMode;
import io.kvwire.pcie.SharedArena;
import io.kvwire.transport.NodeConfig;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

class DemoWorkerTest {
    private static final List<Integer> PROMPT = List.of(1, 2, 3, 4, 5);

    @TempDir private Path folder;
    private DemoWorker worker;

    @BeforeEach
    void start() {
        var seat = Seat.of(ModelSource.parse("tiny").load());
        worker = new DemoWorker(seat, NodeConfig.named("demo"), folder);
    }

    @AfterEach
    void stop() {
        worker.close();
    }

    private List<DemoWorker.Result> answers(DemoWorker.Order... orders) throws IOException {
        var lines = new ArrayList<String>();
        for (var order : orders) {
            lines.add(
                    DemoWorker.MAPPER.writerFor(DemoWorker.Order.class).writeValueAsString(order));
        }
        var said = new StringWriter();
        worker.serve(
                new BufferedReader(new StringReader(String.join("\n", lines))),
                new PrintWriter(said));
        var results = new ArrayList<DemoWorker.Result>();
        for (var line : said.toString().lines().toList()) {
            results.add(DemoWorker.MAPPER.readValue(line, DemoWorker.Result.class));
        }
        return results;
    }

    private String serving(long bytesPerSecond) throws IOException {
        var answer = answers(new DemoWorker.Serve("cpu", bytesPerSecond)).getFirst();
        return assertInstanceOf(DemoWorker.Serving.class, answer).address();
    }

    private static DemoWorker.Decode decode(String prefill, TransferMode mode) {
        return decode(prefill, mode, PROMPT, false);
    }

    private static DemoWorker.Decode decode(
            String prefill, TransferMode mode, List<Integer> prompt, boolean again) {
        return new DemoWorker.Decode(
                prefill, "cpu", "", "raw", CacheShape.DEFAULT, mode, prompt, 3, again);
    }

    @Test
    void keepsAServerAndStartsAnotherForAnotherRate() throws IOException {
        var free = serving(0);

        assertEquals(free, serving(0));
        assertTrue(!free.equals(serving(1_000_000)), free);
    }

    @Test
    void everyModeGivesTheSameTokens() throws IOException {
        var address = serving(0);

        var results =
                answers(
                        decode(address, TransferMode.FILE),
                        decode(address, TransferMode.BULK),
                        decode(address, TransferMode.LAYERWISE),
                        decode(address, TransferMode.PULL));

        var tokens =
                results.stream()
                        .map(r -> assertInstanceOf(DemoWorker.Decoded.class, r).run().tokens())
                        .distinct()
                        .toList();
        assertEquals(4, results.size());
        assertEquals(1, tokens.size(), tokens.toString());
        assertEquals(3, tokens.getFirst().size());
    }

    @Test
    void aCacheIsHandedOverAgainInEveryMode() throws IOException {
        var address = serving(0);
        var orders = new ArrayList<DemoWorker.Order>();
        orders.add(decode(address, TransferMode.BULK));
        for (var mode : TransferMode.values()) {
            orders.add(decode(address, mode, PROMPT, true));
        }
        // What another prompt has taken the place of is computed.
        orders.add(decode(address, TransferMode.BULK, PROMPT.reversed(), false));
        orders.add(decode(address, TransferMode.BULK, PROMPT, true));

        var runs =
                answers(orders.toArray(DemoWorker.Order[]::new)).stream()
                        .map(r -> assertInstanceOf(DemoWorker.Decoded.class, r).run())
                        .toList();

        var first = runs.getFirst();
        for (var again : runs.subList(1, 1 + TransferMode.values().length)) {
            assertEquals(first.tokens(), again.tokens());
            assertEquals(first.bytes(), again.bytes());
        }
        assertEquals(first.tokens(), runs.getLast().tokens());
        assertNotEquals(first.tokens(), runs.get(runs.size() - 2).tokens());
    }

    @Test
    void anOrderThatFailsSaysWhyAndTheNextIsTaken() throws IOException {
        var results = answers(new DemoWorker.Serve("abacus", 0), new DemoWorker.Serve("cpu", 0));

        var failed = assertInstanceOf(DemoWorker.Failed.class, results.getFirst());
        assertTrue(failed.message().contains("abacus"), failed.message());
        assertInstanceOf(DemoWorker.Serving.class, results.getLast());
    }

    @Test
    void aRehearsalRunsWhatTheWiresHereCan() throws IOException {
        boolean shared = SharedArena.unavailable().isEmpty();
        long steps =
                Step.ONE_HOST.stream()
                        .filter(step -> shared || !step.path().equals(Step.SHARED_MEMORY))
                        .count();

        assertEquals(5 * steps, worker.rehearse());
    }
}
