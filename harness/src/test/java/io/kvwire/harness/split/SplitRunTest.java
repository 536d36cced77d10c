package io.kvwire.harness.split;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.harness.device.CpuDevice;
import io.kvwire.harness.math.ScalarKernels;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LlamaWeights;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.model.ModelSource;
import io.kvwire.harness.model.Rope;
import io.kvwire.harness.timeline.OverlapFigures;
import io.kvwire.harness.weights.ModelException;
import io.kvwire.harness.weights.SeededWeights;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Prefill and decode in two nodes, over TCP on the loopback interface. */
@Timeout(60)
class SplitRunTest {
    private static final int PROMPT_TOKENS = 77;
    private static final int MADE_TOKENS = 20;
    private static final int CHUNK_TOKENS = 32;

    private static final CodecConfig UNPROBED = CodecConfig.RAW.withProbe(0);

    private static LoadedModel model;
    private static int[] prompt;
    private static List<Integer> expected;

    @BeforeAll
    static void runInOneProcess() {
        model = ModelSource.parse("tiny").load();
        prompt = model.syntheticPrompt(PROMPT_TOKENS, 3);
        try (var single = new SingleProcess(seat(CacheShape.DEFAULT))) {
            expected = single.run(prompt, MADE_TOKENS, token -> {}).tokens();
        }
        assertEquals(MADE_TOKENS, expected.size());
    }

    private static Seat seat(CacheShape shape) {
        return seat(model, shape);
    }

    private static Seat seat(LoadedModel model, CacheShape shape) {
        return new Seat(
                model,
                shape,
                256,
                new LlamaOptions(1, CHUNK_TOKENS, new ScalarKernels()),
                CpuDevice.CPU);
    }

    static Stream<Arguments> layoutsAndModes() {
        var usual = CacheShape.DEFAULT;
        var pairs =
                List.of(
                        List.of(usual, usual),
                        List.of(usual, usual.withTokensPerBlock(128).withOrder(KvOrder.HND)),
                        List.of(usual.withTokensPerBlock(128).withOrder(KvOrder.HND), usual),
                        List.of(usual, usual.withForm(KvForm.FUSED)),
                        List.of(
                                usual.withForm(KvForm.FUSED).withTokensPerBlock(32),
                                usual.withOrder(KvOrder.HND)));
        return pairs.stream()
                .flatMap(pair ->
                        Stream.of(
                                        TransferMode.BULK,
                                        TransferMode.LAYERWISE,
                                        TransferMode.AUTO,
                                        TransferMode.PULL)
                                .map(m -> Arguments.of(pair.getFirst(), pair.get(1), m)));
    }

    @ParameterizedTest
    @MethodSource("layoutsAndModes")
    void aSplitRunGivesTheTokensOfASingleProcess(
            CacheShape prefill, CacheShape decode, TransferMode mode) {
        try (var server = server(seat(prefill));
                var client = client(seat(decode), server)) {
            var run = client.run(prompt, mode, MADE_TOKENS, token -> {});

            assertEquals(expected, run.tokens());
            long tokenBytes = decode.layout(model.config()).tokenBytes();
            assertEquals(PROMPT_TOKENS * tokenBytes * model.config().layers(), run.bytes());
            int chunks = Math.ceilDiv(PROMPT_TOKENS, CHUNK_TOKENS);
            assertEquals(chunks * model.config().layers(), run.timeline().units().size());
            assertTrue(
                    run.ttftNanos() >= run.computeNanos(), "the first token comes after prefill");
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = TransferMode.class,
            names = {"BULK", "LAYERWISE", "AUTO"})
    void eachUnitIsSeenInEveryStage(TransferMode mode) {
        var int8 = CodecConfig.of("int8");
        try (var server =
                        PrefillServer.start(
                                seat(CacheShape.DEFAULT),
                                node("prefill").withCodec(int8),
                                Optional.empty());
                var client =
                        DecodeClient.connect(
                                seat(CacheShape.DEFAULT),
                                node("decode").withCodec(int8),
                                server.address())) {
            var run = client.run(prompt, mode, MADE_TOKENS, token -> {});

            assertEquals("int8", run.choices().codec());
            assertTrue(
                    List.of("bulk", "layerwise").contains(run.choices().mode()),
                    run.choices().toString());
            long slack = run.timeline().clockErrorNanos();
            for (var unit : run.timeline().units()) {
                assertTrue(unit.compute().busyNanos() >= 0, unit.toString());
                assertTrue(unit.encode().startNanos() >= unit.compute().endNanos() - slack);
                assertTrue(unit.wire().startNanos() >= unit.encode().startNanos());
                assertTrue(unit.wire().endNanos() >= unit.encode().endNanos() - slack);
                assertTrue(unit.decode().startNanos() >= unit.wire().startNanos() - slack);
                assertTrue(unit.decode().endNanos() <= run.ttftNanos());
            }
            var figures = OverlapFigures.of(run.timeline());
            assertTrue(figures.idealMillis() <= figures.bulkMillis(), figures.toString());
            assertTrue(figures.hideableShare() > 0, figures.toString());
        }
    }

    @Test
    void aShortPromptGoesInBulk() {
        try (var server =
                        PrefillServer.start(
                                seat(CacheShape.DEFAULT),
                                node("prefill").withCodec(UNPROBED),
                                Optional.empty());
                var client = client(seat(CacheShape.DEFAULT), server)) {
            var choices = client.run(prompt, TransferMode.AUTO, 1, token -> {}).choices();

            assertEquals("bulk", choices.mode());
            assertTrue(choices.modeReason().contains("less than the cut-off"), choices.toString());
        }
    }

    @Test
    void aSlowLinkIsMeasuredAndThenDecidesTheMode() {
        // A cache of 16 KiB for each token.
        var config =
                new LlamaConfig(
                        256,
                        64,
                        96,
                        8,
                        4,
                        4,
                        128,
                        512,
                        1e-5f,
                        Rope.plain(10_000),
                        false,
                        List.of());
        var wide = seeded(config, 1);
        var seat = seat(wide, CacheShape.DEFAULT);
        var slow = node("prefill").withBytesPerSecond(4_000_000).withCodec(UNPROBED);
        try (var server = PrefillServer.start(seat, slow, Optional.empty());
                var client = client(seat, server)) {
            // Too little to tell the rate on its way.
            int[] few = Arrays.copyOf(prompt, 8);
            var first = client.run(few, TransferMode.AUTO, 1, token -> {}).choices();
            assertEquals("layerwise", first.mode());
            assertEquals("the link is not measured yet", first.modeReason());

            // A layer takes the wire 120 ms, many times what it takes to compute: a wire that has
            // nothing to do in between does not tell its rate.
            int[] many = wide.syntheticPrompt(240, 3);
            Awaitility.await()
                    .atMost(Duration.ofSeconds(45))
                    .until(
                            () ->
                                    client.run(many, TransferMode.AUTO, 1, token -> {})
                                            .choices()
                                            .modeReason(),
                            reason -> reason.contains(" MB/s, a hand-over costs "));
        }
    }

    private static LoadedModel seeded(LlamaConfig config, long seed) {
        try (var weights = new SeededWeights(seed)) {
            return new LoadedModel(
                    "seeded", config, LlamaWeights.load(config, weights), Optional.empty());
        }
    }

    @ParameterizedTest
    @EnumSource(TransferMode.class)
    void manyRequestsInARowUseEveryBlockManyTimes(TransferMode mode, @TempDir Path folder) {
        try (var server =
                        PrefillServer.start(
                                seat(CacheShape.DEFAULT), node("p"), Optional.of(folder));
                var client =
                        DecodeClient.connect(
                                seat(CacheShape.DEFAULT), node("d"), server.address(), folder)) {
            for (int request = 0; request < 12; request++) {
                var run = client.run(prompt, mode, MADE_TOKENS, token -> {});
                assertEquals(expected, run.tokens(), "request " + request);
            }
        }
        assertEquals(0, folder.toFile().list().length, "files are removed once they are loaded");
    }

    @Test
    void twoDecodeNodesShareAPrefillNode() {
        try (var server = server(seat(CacheShape.DEFAULT));
                var one = client(seat(CacheShape.DEFAULT), server);
                var other = client(seat(CacheShape.DEFAULT.withTokensPerBlock(64)), server)) {
            for (var mode : List.of(TransferMode.PULL, TransferMode.LAYERWISE)) {
                assertEquals(expected, one.run(prompt, mode, MADE_TOKENS, t -> {}).tokens());
                assertEquals(expected, other.run(prompt, mode, MADE_TOKENS, t -> {}).tokens());
            }
        }
    }

    @Test
    void anotherModelIsRefusedByPrefill() {
        var other = seeded(model.config(), 99);
        try (var server = server(seat(other, CacheShape.DEFAULT));
                var client = client(seat(CacheShape.DEFAULT), server)) {
            var refused =
                    assertThrows(
                            TransferException.class,
                            () -> client.run(prompt, TransferMode.BULK, 4, token -> {}));

            assertEquals(ErrorCode.REFUSED, refused.code());
            assertTrue(refused.getMessage().contains("another model"), refused.getMessage());
        }
    }

    @Test
    void layoutsThatCannotBeMappedAreRefusedAtConnectWithBothInTheMessage() {
        var wide = new CacheShape(16, KvOrder.NHD, KvForm.SPLIT, DType.FP32);
        try (var server = server(seat(CacheShape.DEFAULT))) {
            var refused =
                    assertThrows(TransferException.class, () -> client(seat(wide), server).close());

            assertEquals(ErrorCode.INCOMPATIBLE_LAYOUT, refused.code(), refused.getMessage());
            assertTrue(refused.getMessage().contains("FP32"), refused.getMessage());
            assertTrue(refused.getMessage().contains("BF16"), refused.getMessage());
        }
    }

    @Test
    void aRefusedRequestLeavesTheConnectionUsable() {
        try (var server = server(seat(CacheShape.DEFAULT));
                var client =
                        DecodeClient.connect(
                                seat(CacheShape.DEFAULT),
                                node("d"),
                                server.address(),
                                Path.of(System.getProperty("java.io.tmpdir")))) {
            var refused =
                    assertThrows(
                            TransferException.class,
                            () -> client.run(prompt, TransferMode.FILE, 4, token -> {}));
            assertEquals(ErrorCode.ACCESS_DENIED, refused.code());

            var run = client.run(prompt, TransferMode.BULK, MADE_TOKENS, token -> {});
            assertEquals(expected, run.tokens());
        }
    }

    @Test
    void aContinuationThatDoesNotFitIsRefusedBeforeAnythingIsSent() {
        try (var server = server(seat(CacheShape.DEFAULT));
                var client = client(seat(CacheShape.DEFAULT), server)) {
            int tooMany = model.config().maxPositions();

            assertThrows(
                    ModelException.class,
                    () -> client.run(prompt, TransferMode.BULK, tooMany, token -> {}));
        }
    }

    @Test
    void aPrefillNodeThatGoesAwayEndsTheRequest() {
        var server = server(seat(CacheShape.DEFAULT));
        try (var client = client(seat(CacheShape.DEFAULT), server)) {
            server.close();

            assertThrows(
                    TransferException.class,
                    () -> client.run(prompt, TransferMode.LAYERWISE, 4, token -> {}));
        }
    }

    @Test
    void theFingerprintDependsOnWeightsAndElementTypeAlone() {
        try (var one = model.llama(seat(CacheShape.DEFAULT).options());
                var other = model.llama(new LlamaOptions(2, 7, new ScalarKernels()))) {
            var name = ModelFingerprint.of(one, CacheShape.DEFAULT);

            assertTrue(name.matches("[0-9a-f]{32}"), name);
            var largeBlocks = CacheShape.DEFAULT.withTokensPerBlock(128).withOrder(KvOrder.HND);
            assertEquals(name, ModelFingerprint.of(other, largeBlocks));
        }
    }

    @Test
    void aFileHoldsTheCacheInTheCodecOfTheConnection(@TempDir Path folder) {
        for (var codec : List.of("raw", "int8")) {
            var config = CodecConfig.of(codec);
            try (var server =
                            PrefillServer.start(
                                    seat(CacheShape.DEFAULT),
                                    node("prefill").withCodec(config),
                                    Optional.of(folder));
                    var client =
                            DecodeClient.connect(
                                    seat(CacheShape.DEFAULT),
                                    node("decode").withCodec(config),
                                    server.address(),
                                    folder)) {
                var run = client.run(prompt, TransferMode.FILE, MADE_TOKENS, token -> {});

                assertEquals(expected.size(), run.tokens().size());
                if (codec.equals("raw")) {
                    assertEquals(expected, run.tokens());
                }
                long tokenBytes = CacheShape.DEFAULT.layout(model.config()).tokenBytes();
                assertEquals(PROMPT_TOKENS * tokenBytes * model.config().layers(), run.bytes());
                assertEquals(0, folder.toFile().list().length, "the file is gone");
            }
        }
    }

    private static PrefillServer server(Seat seat) {
        return PrefillServer.start(seat, node("prefill"), Optional.empty());
    }

    private static DecodeClient client(Seat seat, PrefillServer server) {
        return DecodeClient.connect(seat, node("decode"), server.address());
    }

    private static NodeConfig node(String name) {
        return NodeConfig.named(name).requiring("tcp");
    }

    @Test
    void theTinyPresetHasMoreThanOneKvHead() {
        LlamaConfig config = model.config();
        assertTrue(config.kvHeads() > 1, "else NHD and HND would be the same");
    }
}
