package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.fault.Fault;
import io.kvwire.tck.fault.FaultPlan;
import io.kvwire.tck.fault.StallPoint;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvStream;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;

import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/**
 * A stream publishes each layer when all of it is in place, in whatever order it was handed over.
 */
public abstract class StreamContract extends WireContract {
    private static final KvLayout LAYOUT =
            KvLayout.builder().layers(5).kvHeads(2).headDim(16).tokensPerBlock(16).build();

    /** For subclasses. */
    protected StreamContract() {}

    /** One call of ready. */
    private record Chunk(int layer, int firstToken, int tokens) {}

    /** All layers of a range of tokens, cut at random, in random order. */
    private List<Chunk> chunks(int firstToken, int tokens) {
        var chunks = new ArrayList<Chunk>();
        for (int layer = 0; layer < LAYOUT.layers(); layer++) {
            for (int at = 0; at < tokens; ) {
                int count = 1 + random.nextInt(tokens - at);
                chunks.add(new Chunk(layer, firstToken + at, count));
                at += count;
            }
        }
        Collections.shuffle(chunks, random);
        return chunks;
    }

    @RepeatedTest(4)
    void layersAppearWholeAndNeverEarlyInAnyOrderOfReady() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, LAYOUT, 12, 12));
        var request = pair.request(random.nextInt(20), 1 + random.nextInt(120));
        var expected = pair.written(pair.farMemory.image(), request);
        rig.at(pair.near).use(FaultPlan.NONE.with(Fault.DELAY_FRAME, 0.5));
        try (var reception =
                pair.far.expect(
                        request.id(),
                        pair.farCache,
                        request.farTable(),
                        request.firstToken(),
                        request.tokens())) {
            var checks =
                    IntStream.range(0, LAYOUT.layers())
                            .mapToObj(layer ->
                                    reception
                                            .layer(layer)
                                            .thenRun(() -> assertWhole(pair, request, layer)))
                            .toList();
            try (var stream = pair.peer.stream(pair.transfer(request), TransferOptions.DEFAULT)) {
                for (var chunk : chunks(request.firstToken(), request.tokens())) {
                    stream.ready(chunk.layer, chunk.firstToken, chunk.tokens);
                }
                Waits.done(stream.transfer());
            }
            Waits.get("the whole request", reception.completion());
            checks.forEach(check -> Waits.get("a layer that is whole when published", check));
            for (long nanos : reception.layerNanos()) {
                assertTrue(nanos != 0, "each layer has its time");
            }
        }
        pair.farMemory.assertIs(expected, "target of the stream");
    }

    private static void assertWhole(Pair pair, Pair.Request request, int layer) {
        var part =
                pair.farMemory.common(
                        pair.nearMemory, layer, request.firstToken(), request.tokens());
        assertTrue(
                pair.farMemory.holds(
                        request.farTable().ids(), pair.nearMemory, request.nearTable().ids(), part),
                () -> "layer " + layer + " was published before it was whole");
    }

    @Test
    void severalThreadsHandOver() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 12));
        var request = pair.request(180);
        var expected = pair.written(pair.farMemory.image(), request);
        try (var stream = pair.peer.stream(pair.transfer(request), TransferOptions.DEFAULT)) {
            var threads =
                    IntStream.range(0, LAYOUT.layers())
                            .mapToObj(layer ->
                                    CompletableFuture.runAsync(() -> {
                                        for (int at = 0; at < 180; at++) {
                                            stream.ready(layer, at, 1);
                                        }
                                    }))
                            .toArray(CompletableFuture<?>[]::new);
            Waits.get("all is handed over", CompletableFuture.allOf(threads));
            Waits.done(stream.transfer());
        }
        pair.farMemory.assertIs(expected, "target of the stream");
    }

    @Test
    void aLayerWaitsForItsLastToken() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 8));
        var request = pair.request(60);
        try (var reception =
                        pair.far.expect(request.id(), pair.farCache, request.farTable(), 0, 60);
                var stream = pair.peer.stream(pair.transfer(request), TransferOptions.DEFAULT)) {
            stream.ready(3, 0, 59);
            stream.ready(1, 0, 60);
            Waits.get("layer 1", reception.layer(1));
            Waits.until(
                    "all that was handed over is there",
                    () -> reception.receivedBytes() == 119L * LAYOUT.tokenBytes());
            assertFalse(reception.layer(3).isDone(), "one token of layer 3 is missing");
            assertFalse(reception.completion().isDone());
            assertTrue(stream.transfer().outcome().isEmpty(), "it still runs");

            stream.ready(3, 59, 1);
            Waits.get("layer 3", reception.layer(3));
            for (int layer : new int[] {0, 2, 4}) {
                stream.ready(layer, 0, 60);
            }
            Waits.done(stream.transfer());
        }
    }

    @Test
    void laterLayersLeaveBeforeTheFirstHasArrived() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 8));
        var request = pair.request(60);
        long layerBytes = 60L * LAYOUT.tokenBytes();
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        try (var reception =
                        pair.far.expect(request.id(), pair.farCache, request.farTable(), 0, 60);
                var stream = pair.peer.stream(pair.transfer(request), TransferOptions.DEFAULT)) {
            for (int layer = 0; layer < LAYOUT.layers(); layer++) {
                stream.ready(layer, 0, 60);
                long sent = (layer + 1) * layerBytes;
                Waits.until(
                        "another layer is under way",
                        () -> stream.transfer().timing().bytes() == sent);
            }
            assertEquals(0, reception.receivedBytes(), "none of them has arrived");
            rig.at(pair.far).resume();
            Waits.done(stream.transfer());
        }
    }

    @Test
    void readyDoesNotWaitForASlowReceiver() {
        var limits =
                new Pair.Shape(
                        LAYOUT, LAYOUT, 40, 40, Settings.window(8192), Settings.window(8192));
        var pair = new Pair(rig, limits);
        var request = pair.request(600);
        var expected = pair.written(pair.farMemory.image(), request);
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        try (var stream = pair.peer.stream(pair.transfer(request), TransferOptions.DEFAULT)) {
            for (int layer = 0; layer < LAYOUT.layers(); layer++) {
                stream.ready(layer, 0, 600);
            }
            Waits.until("the receiver is stalled", () -> rig.at(pair.far).stalled() > 0);
            assertTrue(stream.transfer().outcome().isEmpty());
            rig.at(pair.far).resume();
            Waits.done(stream.transfer());
        }
        pair.farMemory.assertIs(expected, "target of the stream");
    }

    @Test
    void tokensAreHandedOverOnceAndInsideTheStream() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 8));
        var request = pair.request(10, 40);
        try (var stream = pair.peer.stream(pair.transfer(request), TransferOptions.DEFAULT)) {
            stream.ready(0, 20, 10);
            for (var wrong :
                    List.of(
                            new Chunk(0, 29, 1),
                            new Chunk(0, 15, 10),
                            new Chunk(0, 9, 1),
                            new Chunk(0, 50, 1),
                            new Chunk(-1, 10, 1),
                            new Chunk(LAYOUT.layers(), 10, 1),
                            new Chunk(1, 10, -1),
                            new Chunk(1, Integer.MAX_VALUE, 1))) {
                var refusal =
                        assertThrows(
                                TransferException.class,
                                () -> stream.ready(wrong.layer, wrong.firstToken, wrong.tokens),
                                wrong.toString());
                assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code(), wrong.toString());
            }
            stream.ready(0, 10, 10);
            stream.ready(0, 30, 20);
            for (int layer = 1; layer < LAYOUT.layers(); layer++) {
                stream.ready(layer, 10, 40);
            }
            Waits.done(stream.transfer());
        }
    }

    @Test
    void aStreamThatIsClosedTooSoonIsCancelledAtBothEnds() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 8));
        var request = pair.request(60);
        var notification = TransferOptions.DEFAULT.withNotification(new byte[] {1});
        try (var reception =
                pair.far.expect(request.id(), pair.farCache, request.farTable(), 0, 60)) {
            var stream = pair.peer.stream(pair.transfer(request), notification);
            stream.ready(0, 0, 60);
            Waits.get("layer 0", reception.layer(0));
            stream.close();

            assertInstanceOf(TransferOutcome.Cancelled.class, Waits.outcome(stream.transfer()));
            var failure = Waits.failure("the reception", reception.completion());
            assertEquals(ErrorCode.CANCELLED, failure.code(), failure.getMessage());
            handOverTooLate(stream);
        }
        Waits.get("the blocks are free", pair.farCache.retire(request.farTable()));
        assertTrue(rig.events(pair.far).notices.isEmpty(), "nothing is notified");
    }

    /** The thread that computes may not know yet: it is told, or ignored, and nothing is sent. */
    private static void handOverTooLate(KvStream stream) {
        try {
            stream.ready(1, 0, 60);
        } catch (TransferException e) {
            assertEquals(ErrorCode.CLOSED, e.code(), e.getMessage());
        }
    }

    @Test
    void aStreamEndsByItsDeadlineWhenPrefillNeverFinishes() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 8));
        var request = pair.request(60);
        var options = TransferOptions.DEFAULT.withDeadline(Duration.ofMillis(200));
        try (var stream = pair.peer.stream(pair.transfer(request), options)) {
            stream.ready(0, 0, 60);
            assertEquals(ErrorCode.DEADLINE_EXCEEDED, Waits.failed(stream.transfer()).code());
        }
    }

    @Test
    void aStreamOfNothingIsDone() {
        var pair = new Pair(rig, Pair.Shape.of(LAYOUT, 8));
        var request = pair.request(0);
        try (var stream = pair.peer.stream(pair.transfer(request), TransferOptions.DEFAULT)) {
            Waits.done(stream.transfer());
        }
    }
}
