package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.codec.ScrambleCodec;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOptions.Pace;
import io.kvwire.transport.TransferTrace;
import io.kvwire.transport.TransferTrace.Stage;
import io.kvwire.transport.spi.KvModel;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

/** Codecs: agreed on at the handshake, chosen for each transfer, and seen in what is reported. */
public abstract class CodecContract extends CodedContract {
    /** For subclasses. */
    protected CodecContract() {}

    @Test
    void blocksGoThroughTheAgreedCodecBothWaysAndItShows() {
        var pair = pair();
        var request = pair.request(100);
        var expected = pair.written(pair.farMemory.image(), request);
        var write = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.done(write);
        pair.farMemory.assertIs(expected, "target of the write");

        var back = pair.request(77);
        expected = pair.read(pair.nearMemory.image(), back);
        var read = pair.peer.read(pair.transfer(back), TransferOptions.DEFAULT);
        Waits.done(read);
        pair.nearMemory.assertIs(expected, "target of the read");

        assertEquals(ScrambleCodec.NAME, pair.peer.path().codec());
        assertEquals(ScrambleCodec.NAME, rig.peerAt(pair.far, "near").path().codec());
        assertEquals(ScrambleCodec.NAME, write.codec().orElseThrow().codec());
        assertTrue(read.codec().isEmpty(), "the owner of the blocks decides");
        assertEquals(Map.of(ScrambleCodec.NAME, 1L), pair.near.metrics().codecs());
        assertEquals(Map.of(ScrambleCodec.NAME, 1L), pair.far.metrics().codecs());
        long bytes = 100 * Layouts.WIDE.tokenBytes() * Layouts.WIDE.layers();
        assertEquals(bytes, pair.near.metrics().bytesEncoded());
        assertEquals(bytes, pair.far.metrics().bytesDecoded());
        var timing = write.timing();
        assertEquals(bytes, timing.bytes());
        assertTrue(timing.wireBytes() > bytes, "this codec makes frames longer");
        assertTrue(timing.encodeNanos() > 0);
        assertTrue(read.timing().decodeNanos() > 0);
    }

    @Test
    void endsWithoutACommonCodecRefuseEachOther() {
        var near = rig.node("near");
        var far =
                rig.node(
                        "far", config -> config.withCodec(CodecConfig.RAW.withStaging(1, 1 << 20)));
        var refusal = Waits.failure("connecting", near.connect(far.address()));
        assertEquals(ErrorCode.REFUSED, refusal.code());
        for (var name : List.of("near", "far", "scramble", "raw")) {
            assertTrue(refusal.getMessage().contains(name), refusal.getMessage());
        }
    }

    @Test
    void theConnectingSidesOrderDecides() {
        var near = rig.node("near", config -> config.withCodec(CodecConfig.of("raw", "scramble")));
        var far = rig.node("far", config -> config.withCodec(CodecConfig.of("scramble", "raw")));
        assertEquals("raw", rig.connect(near, far).path().codec());
        assertEquals("scramble", rig.connect(far, near).path().codec());
    }

    @Test
    void aCodecThatIsNotThereKeepsANodeFromStarting() {
        for (var codec : List.of("no-such-codec", "scramble,speed=11")) {
            var config = NodeConfig.named("near").withCodec(CodecConfig.of(codec));
            var refusal =
                    assertThrows(TransferException.class, () -> rig.node("near", c -> config));
            assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code());
            assertTrue(refusal.getMessage().contains("scramble"), refusal.getMessage());
        }
    }

    @Test
    void cachesOfDifferentModelsAreNotMixed() {
        var near = rig.node("near", modelled(new KvModel(1, 2, true)));
        var same = rig.node("same", modelled(new KvModel(1, 2, true)));
        var unnamed = rig.node("unnamed", modelled(KvModel.UNKNOWN));
        rig.connect(near, same);
        rig.connect(near, unnamed);
        rig.connect(unnamed, near);
        for (var other : List.of(new KvModel(1, 3, true), new KvModel(1, 2, false))) {
            var far = rig.node("far", modelled(other));
            var refusal = Waits.failure("connecting", near.connect(far.address()));
            assertEquals(ErrorCode.INCOMPATIBLE_LAYOUT, refusal.code());
        }
    }

    private static UnaryOperator<NodeConfig> modelled(KvModel model) {
        return config -> config.withCodec(SCRAMBLE.withModel(model));
    }

    @Test
    void autoMeasuresBeforeItDecidesAndSaysWhatItSaw() {
        var auto = CodecConfig.auto(ScrambleCodec.NAME);
        var shape = Pair.Shape.of(Layouts.WIDE, 64).with(config -> config.withCodec(auto));
        var pair = new Pair(rig, shape);
        var request = pair.request(64 * 64);
        var expected = pair.written(pair.farMemory.image(), request);
        var first = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.done(first);
        assertEquals("raw", first.codec().orElseThrow().codec(), "nothing is measured yet");
        Waits.until(
                "link and codec are measured",
                () -> {
                    var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
                    Waits.done(transfer);
                    return transfer.codec().orElseThrow().rates().known();
                });
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.done(transfer);
        var decision = transfer.codec().orElseThrow();
        assertEquals("raw", decision.codec(), "a codec that makes frames longer never pays");
        assertTrue(decision.rates().ratio() < 1, decision.toString());
        assertTrue(decision.reason().contains("ms raw"), decision.reason());
        assertTrue(pair.peer.path().details().get("codec").contains("measured"));
        pair.farMemory.assertIs(expected, "target of all writes");
    }

    @Test
    void aProbeMeasuresTheLinkBeforeThereIsTraffic() {
        var auto = CodecConfig.auto(ScrambleCodec.NAME);
        var shape = Pair.Shape.of(Layouts.WIDE, 64).with(config -> config.withCodec(auto));
        var pair = new Pair(rig, shape);
        Waits.until(
                "the probe is over",
                () -> pair.peer.path().details().get("link").contains("from a probe of"));

        var transfer = pair.peer.write(pair.transfer(pair.request(64)), TransferOptions.DEFAULT);
        Waits.done(transfer);
        assertTrue(transfer.codec().orElseThrow().rates().linkBytesPerSecond() > 0);
    }

    @Test
    void nothingIsProbedThatNobodyAskedFor() {
        var none = CodecConfig.auto(ScrambleCodec.NAME).withProbe(0);
        var shape = Pair.Shape.of(Layouts.WIDE, 64).with(config -> config.withCodec(none));
        var pair = new Pair(rig, shape);
        // Whatever a probe would have sent was sent before this comes.
        var transfer = pair.peer.write(pair.transfer(pair.request(1)), TransferOptions.DEFAULT);
        Waits.done(transfer);
        Waits.quiet(transfer);
        assertEquals("not measured yet", pair.peer.path().details().get("link"));
        assertEquals(Layouts.WIDE.layers(), pair.near.metrics().framesSent());
    }

    @Test
    void aStreamThatAsksForItsPaceLearnsTheLinkOnItsWay() {
        var pair = pair();
        var request = pair.request(100);
        var options = TransferOptions.DEFAULT.withPace(Pace.AUTO);
        try (var stream = pair.peer.stream(pair.transfer(request), options)) {
            Waits.until(
                    "the probe that the stream began is over",
                    () ->
                            pair.peer.path().details().containsKey("link")
                                    && pair.peer.path().details().get("link").contains("probe"));
            for (int layer = 0; layer < Layouts.WIDE.layers(); layer++) {
                stream.ready(layer, 0, 100);
            }
            Waits.done(stream.transfer());
            var decided = stream.pace().orElseThrow();
            assertTrue(decided.reason().contains("MB/s"), decided.reason());
            assertTrue(pair.peer.path().details().get("pace").contains(decided.reason()));
        }
    }

    @Test
    void bothEndsRecordEachStageOfEachLayer() {
        var pair = pair();
        var request = pair.request(3, 90);
        var options = TransferOptions.DEFAULT.withTrace(true);
        try (var reception =
                pair.far.expect(request.id(), pair.farCache, request.farTable(), 3, 90).traced()) {
            var transfer = pair.peer.write(pair.transfer(request), options);
            Waits.done(transfer);
            Waits.quiet(transfer);
            assertCovers(transfer.trace(), List.of(Stage.QUEUE, Stage.ENCODE, Stage.WIRE));
            assertCovers(reception.trace(), List.of(Stage.WIRE, Stage.DECODE));
        }
        var read = pair.peer.read(pair.transfer(request), options);
        Waits.done(read);
        assertCovers(read.trace(), List.of(Stage.WIRE, Stage.DECODE));
        var silent = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.done(silent);
        assertEquals(TransferTrace.NONE, silent.trace());
    }

    private static void assertCovers(TransferTrace trace, List<Stage> stages) {
        for (var stage : stages) {
            var layers = trace.byLayer(stage);
            assertEquals(Layouts.WIDE.layers(), layers.size(), stage + " of each layer");
            for (var layer : layers) {
                assertEquals(3, layer.firstToken(), stage.toString());
                assertEquals(90, layer.tokens(), stage.toString());
                assertTrue(layer.startNanos() <= layer.endNanos(), layer.toString());
            }
        }
    }

    @ParameterizedTest
    @EnumSource(Pace.class)
    void aStreamIsWholeAtAnyPace(Pace pace) {
        var pair = pair();
        var request = pair.request(100);
        var expected = pair.written(pair.farMemory.image(), request);
        var options = TransferOptions.DEFAULT.withPace(pace);
        try (var reception =
                        pair.far.expect(request.id(), pair.farCache, request.farTable(), 0, 100);
                var stream = pair.peer.stream(pair.transfer(request), options)) {
            for (int chunk = 0; chunk < 100; chunk += 50) {
                for (int layer = 0; layer < Layouts.WIDE.layers(); layer++) {
                    stream.ready(layer, chunk, 50);
                }
            }
            Waits.done(stream.transfer());
            Waits.get("all layers", reception.completion());
            var decided = stream.pace().orElseThrow();
            assertTrue(pace == Pace.AUTO || pace == decided.pace(), decided.toString());
            assertFalse(decided.reason().isBlank());
        }
        pair.farMemory.assertIs(expected, "target of the stream");
    }

    @Test
    void inBulkNothingIsSentBeforeAllIsReady() {
        var pair = pair();
        var request = pair.request(100);
        var options = TransferOptions.DEFAULT.withPace(Pace.BULK);
        int layers = Layouts.WIDE.layers();
        try (var stream = pair.peer.stream(pair.transfer(request), options)) {
            IntStream.range(0, layers).forEach(layer -> stream.ready(layer, 0, 60));
            IntStream.range(1, layers).forEach(layer -> stream.ready(layer, 60, 40));
            var other = pair.request(1);
            Waits.done(pair.peer.write(pair.transfer(other), TransferOptions.DEFAULT));
            assertEquals(layers, tap.encodedFrames(), "only those of the other transfer");
            assertFalse(stream.transfer().outcome().isPresent());
            stream.ready(0, 60, 40);
            Waits.done(stream.transfer());
        }
    }
}
