package io.kvwire.harness.serve;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;

import io.kvwire.harness.cli.CommandLineRun;
import io.kvwire.harness.model.LayerListener;
import io.kvwire.harness.model.Llama;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.ModelSource;
import io.kvwire.harness.split.CacheMemory;
import io.kvwire.harness.split.CacheShape;
import io.kvwire.transport.Access;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferNode;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;

@Timeout(180)
class ServeSimTest {
    @TempDir private Path folder;

    @Test
    void shortOrKnownPromptsStayAndOthersSplit() {
        assertTrue(RoutingPolicy.stays(5, 0, 16));
        assertFalse(RoutingPolicy.stays(59, 0, 16));
        assertTrue(RoutingPolicy.stays(59, 48, 16), "most of it is in the cache");
    }

    @Test
    void aPlanIsTheSameForTheSameSeedAndHasItsRate() {
        var plan = LoadPlan.poisson(50, 20, List.of(5, 59), 8, 100, 1);
        assertEquals(plan, LoadPlan.poisson(50, 20, List.of(5, 59), 8, 100, 1));
        assertEquals(1000, plan.arrivals().size(), 150);
        long different = plan.arrivals().stream().map(LoadPlan.Arrival::prompt).distinct().count();
        assertTrue(different < plan.arrivals().size(), "no prompt came again");
    }

    @Test
    void aTraceKeepsItsTimesItsLengthsAndWhatPromptsShare() throws IOException {
        var file = folder.resolve("trace.jsonl");
        Files.writeString(
                file,
                """
                {"timestamp": 1000, "input_length": 1024, "output_length": 64, "hash_ids": [7, 8]}
                {"timestamp": 3000, "input_length": 1536, "output_length": 1, "hash_ids": [7, 9, 10]}
                """);
        var plan = LoadPlan.trace(file, new LoadPlan.Replay(4, 1.0 / 32, 100, 256));
        assertEquals(List.of(0.0, 0.5), plan.arrivals().stream().map(a -> a.seconds()).toList());
        var first = plan.arrivals().getFirst();
        var second = plan.arrivals().getLast();
        assertEquals(List.of(32, 48), List.of(first.prompt().size(), second.prompt().size()));
        assertEquals(List.of(2, 1), List.of(first.maxTokens(), second.maxTokens()));
        assertEquals(16, PrefixCache.common(first.prompt(), second.prompt()));
        Files.writeString(file, "not a line");
        var error =
                assertThrows(
                        IllegalArgumentException.class,
                        () -> LoadPlan.trace(file, new LoadPlan.Replay(1, 1, 100, 256)));
        assertTrue(error.getMessage().contains("line 1"), error.getMessage());
    }

    /** Coupled, split and from the prefix cache: the same tokens as the model alone makes. */
    @Test
    void aSplitRequestGetsTheTokensOfTheModelAlone() throws InterruptedException {
        var prompt = IntStream.range(0, 40).map(i -> i * 7 % 100).boxed().toList();
        var expected = alone(prompt, 6);
        Map<Long, List<Integer>> made = new ConcurrentHashMap<>();
        Map<Long, Integer> reused = new ConcurrentHashMap<>();
        var failures = new CopyOnWriteArrayList<String>();
        var done = new CountDownLatch(4);
        var address = new AtomicReference<>("");
        try (var prefill = new Worker("prefill", words("prefill"), (w, e) -> {});
                var decode =
                        new Worker(
                                "decode",
                                words("decode"),
                                (worker, event) -> {
                                    switch (event) {
                                        case ServeEvent.Token t ->
                                                made.computeIfAbsent(t.id(), k -> new ArrayList<>())
                                                        .add(t.token());
                                        case ServeEvent.Done d -> {
                                            reused.put(d.id(), d.reusedTokens());
                                            done.countDown();
                                            if (d.id() == 1) {
                                                // Its blocks are kept by now.
                                                worker.send(new ServeOrder(3, prompt, 6, ""));
                                                worker.send(
                                                        new ServeOrder(
                                                                4, prompt, 6, address.get()));
                                            }
                                        }
                                        case ServeEvent.Failed f -> {
                                            failures.add(f.why());
                                            done.countDown();
                                        }
                                        case ServeEvent.Ready _, ServeEvent.State _ -> {}
                                    }
                                })) {
            address.set(prefill.address());
            decode.send(new ServeOrder(1, prompt, 6, prefill.address()));
            var other = prompt.reversed();
            decode.send(new ServeOrder(2, other, 6, ""));
            assertTrue(done.await(100, TimeUnit.SECONDS), made + " " + failures);
            assertEquals(List.of(), failures);
            assertEquals(expected, made.get(1L));
            assertEquals(alone(other, 6), made.get(2L));
            assertEquals(expected, made.get(3L));
            assertEquals(0, reused.get(1L));
            assertEquals(32, reused.get(3L), "two whole blocks were there");
            assertEquals(expected, made.get(4L));
            assertEquals(32, reused.get(4L), "they were sent again");
            // The prefiller has the start of this one, and who asks has nothing.
            var longer = new ArrayList<>(prompt);
            IntStream.range(0, 30).forEach(i -> longer.add(i * 11 % 100));
            assertEquals(alone(longer, 6), ofNewDecoder(longer, 6, prefill.address()));
        }
    }

    private static List<Integer> ofNewDecoder(List<Integer> prompt, int tokens, String prefill)
            throws InterruptedException {
        var made = new CopyOnWriteArrayList<Integer>();
        var done = new CountDownLatch(1);
        try (var decode =
                new Worker(
                        "other",
                        words("other"),
                        (worker, event) -> {
                            switch (event) {
                                case ServeEvent.Token t -> made.add(t.token());
                                case ServeEvent.Done _, ServeEvent.Failed _ -> done.countDown();
                                case ServeEvent.Ready _, ServeEvent.State _ -> {}
                            }
                        })) {
            decode.send(new ServeOrder(1, prompt, tokens, prefill));
            assertTrue(done.await(60, TimeUnit.SECONDS), "no end: " + made);
        }
        return made;
    }

    private static List<String> words(String name) {
        return List.of(
                "serve-worker",
                "--model",
                "tiny",
                "--cache-tokens",
                "512",
                "--path",
                "tcp",
                "--name",
                name);
    }

    private static List<Integer> alone(List<Integer> prompt, int count) {
        var model = ModelSource.parse("tiny").load();
        try (var llama = model.llama(LlamaOptions.defaults().withThreads(1));
                var memory = CacheMemory.allocate(model.config(), CacheShape.DEFAULT, 128)) {
            int[] blocks = IntStream.range(0, memory.blocks()).toArray();
            int[] tokens = prompt.stream().mapToInt(Integer::intValue).toArray();
            var made = new ArrayList<Integer>();
            made.add(
                    Llama.greedy(
                            llama.prefill(tokens, 0, blocks, memory.paged(), LayerListener.NONE)));
            while (made.size() < count) {
                made.add(
                        Llama.greedy(
                                llama.decode(
                                        made.getLast(),
                                        tokens.length + made.size() - 1,
                                        blocks,
                                        memory.paged())));
            }
            return made;
        }
    }

    @Test
    void blocksOfAFinishedPromptAreUsedAgainAndGivenUpWhenRoomIsNeeded() {
        var model = ModelSource.parse("tiny").load();
        try (var memory = CacheMemory.allocate(model.config(), CacheShape.DEFAULT, 64);
                var node = TransferNode.start(NodeConfig.named("test").connectOnly())) {
            var cache = new PrefixCache(memory.register(node, "kv", Access.LOCAL));
            var prompt = IntStream.range(0, 33).boxed().toList();
            var first = cache.take(1, prompt, 40).orElseThrow();
            assertEquals(3, cache.usedBlocks());
            assertTrue(cache.take(1, prompt, 40).isEmpty(), "four blocks hold no six");
            cache.give(first, prompt);
            assertEquals(0, cache.usedBlocks());
            var again = cache.take(1, prompt, 40).orElseThrow();
            assertEquals(32, again.reusedTokens());
            assertEquals(1, cache.leases());
            assertTrue(again.prefix().orElseThrow().lease().valid(), "nothing holds the prefix");
            assertEquals(first.blocks()[0], again.blocks()[0]);
            cache.give(again, prompt);
            assertFalse(again.prefix().orElseThrow().lease().valid(), "it is held for ever");
            assertEquals(0, cache.leases());
            var other = IntStream.range(100, 160).boxed().toList();
            assertTrue(cache.take(2, other, 64).isPresent(), "kept blocks were not given up");
        }
    }

    @Test
    void aRunReportsBothModesAndWritesAPage() throws IOException {
        var json = folder.resolve("serve.json");
        var html = folder.resolve("serve.html");
        var ran =
                CommandLineRun.of(
                        "serve-sim",
                        "--model=tiny",
                        "--rates=20",
                        "--seconds=0.5",
                        "--max-tokens=4",
                        "--prompt-tokens=5,59",
                        "--cache-tokens=2048",
                        "--metrics-port=0",
                        "--json=" + json,
                        "--html=" + html);
        assertEquals(0, ran.status(), ran.err());
        var report = new ObjectMapper().readTree(json.toFile());
        assertEquals(2, report.get("runs").size());
        for (var run : report.get("runs")) {
            assertEquals(0, run.get("failed").asInt());
            assertTrue(run.get("ttft").get("p50").asDouble() > 0);
            assertTrue(run.get("samples").size() > 1);
        }
        var lengths = report.get("runs").get(1).get("lengths");
        assertEquals(0, lengths.get(0).get("split").asInt(), "5-token prompts stay");
        assertTrue(lengths.get(1).get("split").asInt() > 0, "59-token prompts split");
        assertTrue(Files.readString(html).contains("<svg"), "no chart");
    }

    @Test
    void aLoadIsAShareOfWhatTheBusierHalfCanDo() {
        assertEquals(4, new Capacity(0.25, 0.1, 1, 1).requestsPerSecond());
        assertEquals(5, new Capacity(0.25, 0.2, 2, 1).requestsPerSecond());
        assertEquals(10, new Capacity(0, 0.1, 1, 1).requestsPerSecond(), "no prompt is split");
    }

    @Test
    void aStudyMeasuresItsRatesFirstAndKeepsWhatTheUserSays() throws IOException {
        var json = folder.resolve("study.json");
        var ran =
                CommandLineRun.of(
                        "serve-sim",
                        "--study",
                        "--model=tiny",
                        "--loads=0.1",
                        "--seconds=0.2",
                        "--prompt-tokens=5,59",
                        "--max-tokens=4",
                        "--cache-tokens=2048",
                        "--json=" + json);
        assertEquals(0, ran.status(), ran.err());
        var report = new ObjectMapper().readTree(json.toFile());
        assertEquals("tiny", report.get("model").asText());
        assertEquals(2, report.get("runs").size());
        assertTrue(report.get("runs").get(0).get("requestsPerSecond").asDouble() > 0);
        assertTrue(ran.out().contains("load 1 is"), ran.out());
        assertEquals(2, CommandLineRun.of("serve-sim", "--loads=0.5", "--rates=1").status());
    }

    @Test
    void metricsAreThereForPrometheusUnderTheNamesOfTheDashboard() throws Exception {
        try (var metrics = new ServeMetrics(0)) {
            metrics.firstToken("decoupled", true, 5_000_000);
            metrics.nextToken("decoupled", 1_000_000);
            var address = URI.create("http://127.0.0.1:" + metrics.port() + "/metrics");
            String page;
            try (var body = address.toURL().openStream()) {
                page = new String(body.readAllBytes(), StandardCharsets.UTF_8);
            }
            assertTrue(page.contains("kvwire_serve_ttft_seconds_bucket"), page);
            assertTrue(page.contains("kvwire_serve_itl_seconds_bucket"), page);
            var dashboard =
                    Files.readString(Path.of("..", "benchmarks", "grafana", "serve-sim.json"));
            assertTrue(dashboard.contains("kvwire_serve_ttft_seconds_bucket"));
        }
    }

    @Test
    void whatDoesNotFitIsNamed() {
        var ran = CommandLineRun.of("serve-sim", "--model=tiny", "--prompt-tokens=100000");
        assertEquals(2, ran.status());
        assertTrue(ran.err().contains("100000"), ran.err());
    }
}
