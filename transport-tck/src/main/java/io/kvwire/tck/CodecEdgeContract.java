package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.codec.CodecTap.Point;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;

/**
 * While a frame is encoded or decoded it touches blocks like one on the wire: whatever ends its
 * transfer, nothing is published that is not whole and nothing is given back too early.
 */
public abstract class CodecEdgeContract extends CodedContract {
    private static final byte CANARY = 0x5A;

    /** For subclasses. */
    protected CodecEdgeContract() {}

    private static void reuse(GuardedCache memory, int[] ids) {
        for (int id : ids) {
            memory.fill(id, CANARY);
        }
    }

    /** More traffic over the same connection, after which nothing late can come. */
    private void flush(Pair pair) {
        var request = pair.request(64);
        var expected = pair.written(pair.farMemory.image(), request);
        Waits.done(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        pair.farMemory.assertIs(expected, "reused blocks, after more traffic");
    }

    @Test
    void aWriteCancelledWhileItIsEncodedHoldsItsSourceUntilThen() {
        var pair = pair();
        var request = pair.request(2 * 64);
        var before = pair.farMemory.image();
        tap.stall(Point.ENCODE);
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("a frame is being encoded", () -> tap.stalled() > 0);

        assertTrue(transfer.cancel());
        assertInstanceOf(TransferOutcome.Cancelled.class, transfer.outcome().orElseThrow());
        var retired = pair.nearCache.retire(request.nearTable());
        assertFalse(transfer.quiescence().isDone(), "an encoder reads the blocks");
        assertFalse(retired.isDone(), "an encoder reads the blocks");
        tap.resume();
        Waits.quiet(transfer);
        Waits.get("the source blocks are free", retired);
        reuse(pair.nearMemory, request.nearTable().ids());
        pair.farMemory.assertIs(before, "target of a write that was never sent");
        flush(pair);
    }

    @ParameterizedTest
    @EnumSource(
            value = Point.class,
            names = {"DECODE", "PLACE"})
    void aWriteCancelledWhileItIsDecodedLeavesReusedBlocksAlone(Point point) {
        var pair = pair();
        var request = pair.request(2 * 64);
        tap.stall(point);
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("a frame is being decoded", () -> tap.stalled() > 0);

        assertTrue(transfer.cancel());
        var retired = pair.farCache.retire(request.farTable());
        assertFalse(retired.isDone(), "a decoder writes to the blocks");
        tap.resume();
        Waits.get("the target blocks are free", retired);
        reuse(pair.farMemory, request.farTable().ids());
        Waits.quiet(transfer);
        reuse(pair.nearMemory, request.nearTable().ids());
        flush(pair);
    }

    @ParameterizedTest
    @EnumSource(
            value = Point.class,
            names = {"DECODE", "PLACE"})
    void aReadCancelledWhileItIsDecodedIsQuietWhenTheDecoderIs(Point point) {
        var pair = pair();
        var request = pair.request(2 * 64);
        tap.stall(point);
        var transfer = pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("a frame is being decoded", () -> tap.stalled() > 0);

        assertTrue(transfer.cancel());
        assertFalse(transfer.quiescence().isDone(), "a decoder writes to the blocks");
        tap.resume();
        Waits.quiet(transfer);
        reuse(pair.nearMemory, request.nearTable().ids());
        var image = pair.nearMemory.image();
        flush(pair);
        pair.nearMemory.assertIs(image, "reused blocks of a cancelled read");
    }

    @ParameterizedTest
    @EnumSource(
            value = Point.class,
            names = {"DECODE", "PLACE"})
    void blocksTakenBackDuringDecodingFailTheWriteAsStale(Point point) {
        var pair = pair();
        var request = pair.request(2 * 64);
        tap.stall(point);
        try (var reception =
                pair.far.expect(request.id(), pair.farCache, request.farTable(), 0, 128)) {
            var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
            Waits.until("a frame is being decoded", () -> tap.stalled() > 0);
            var retired = pair.farCache.retire(request.farTable());
            assertFalse(retired.isDone(), "a decoder writes to the blocks");
            tap.resume();

            assertEquals(ErrorCode.STALE, Waits.failed(transfer).code());
            Waits.get("the target blocks are free", retired);
            reuse(pair.farMemory, request.farTable().ids());
            assertEquals(
                    ErrorCode.STALE, Waits.failure("the reception", reception.completion()).code());
        }
        flush(pair);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aSpoiledFrameFailsTheTransferAndWritesNothing(boolean write) {
        var pair = pair();
        var request = pair.request(20);
        var near = pair.nearMemory.image();
        var far = pair.farMemory.image();
        tap.spoil(Integer.MAX_VALUE);
        var transfer = start(pair, request, write);
        assertEquals(ErrorCode.CORRUPT, Waits.failed(transfer).code());
        Waits.quiet(transfer);
        pair.nearMemory.assertIs(near, "near, after a spoiled frame");
        pair.farMemory.assertIs(far, "far, after a spoiled frame");
        tap.spoil(0);
        Waits.done(start(pair, request, write));
        assertTrue(pair.peer.connected(), "a spoiled frame ends its transfer and no more");
    }

    private static Transfer start(Pair pair, Pair.Request request, boolean write) {
        return write
                ? pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT)
                : pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT);
    }

    @Test
    void aSlowDecoderHoldsTheSenderBackWithinTheWindow() {
        int window = 64 << 10;
        var shape = Pair.Shape.of(Layouts.WIDE, 40).with(Settings.window(window));
        var pair = new Pair(rig, shape);
        var request = pair.request(10 * 64);
        var expected = pair.written(pair.farMemory.image(), request);
        tap.stall(Point.DECODE);
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("decoding stands still", () -> tap.stalled() > 0);
        Waits.until("the window is used up", () -> pair.near.metrics().creditWaits() > 0);
        assertTrue(
                pair.near.metrics().bytesEncoded() <= window,
                () -> "more than the window is out: " + pair.near.metrics());
        assertFalse(transfer.outcome().isPresent());
        tap.resume();
        Waits.done(transfer);
        pair.farMemory.assertIs(expected, "target of a write to a slow decoder");
    }

    @Test
    void aDecoderThatHangsEndsInTheDeadline() {
        var pair = pair();
        var request = pair.request(64);
        tap.stall(Point.DECODE);
        var options = TransferOptions.DEFAULT.withDeadline(Duration.ofMillis(200));
        var transfer = pair.peer.write(pair.transfer(request), options);
        assertEquals(ErrorCode.DEADLINE_EXCEEDED, Waits.failed(transfer).code());
        tap.resume();
        Waits.quiet(transfer);
        Waits.get("the target blocks are free", pair.farCache.retire(request.farTable()));
        flush(pair);
    }

    @Test
    void aSingleStagingSlotIsEnoughInBothDirectionsAtOnce() {
        var tight = SCRAMBLE.withStaging(1, 64 << 10).withThreads(1);
        var shape = Pair.Shape.of(Layouts.WIDE, 40).with(config -> config.withCodec(tight));
        var pair = new Pair(rig, shape);
        var transfers = new ArrayList<Transfer>();
        var requests = new ArrayList<Pair.Request>();
        for (int i = 0; i < 8; i++) {
            requests.add(pair.request(2 * 64));
        }
        var expected = pair.farMemory.image();
        for (var request : requests) {
            expected = pair.written(expected, request);
            transfers.add(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        }
        var back = pair.request(2 * 64);
        var image = pair.read(pair.nearMemory.image(), back);
        transfers.add(pair.peer.read(pair.transfer(back), TransferOptions.DEFAULT));
        transfers.forEach(Waits::done);
        pair.farMemory.assertIs(expected, "targets of the writes");
        pair.nearMemory.assertIs(image, "target of the read");
    }

    @Test
    void aThousandTransfersAtOnceAllArrive() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 1100));
        var transfers = new ArrayList<Transfer>();
        var expected = pair.farMemory.image();
        for (int i = 0; i < 1000; i++) {
            var request = pair.request(1 + random.nextInt(16));
            expected = pair.written(expected, request);
            transfers.add(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        }
        transfers.forEach(Waits::done);
        pair.farMemory.assertIs(expected, "targets of a thousand writes");
    }

    @Test
    void closingANodeWaitsForItsDecoders() {
        var pair = pair();
        var request = pair.request(2 * 64);
        tap.stall(Point.PLACE);
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("a frame is being decoded", () -> tap.stalled() > 0);
        var closed = CompletableFuture.runAsync(pair.far::close);
        assertFalse(Waits.outcome(transfer).done());
        assertFalse(closed.isDone(), "a decoder still writes to memory of the node");
        tap.resume();
        Waits.get("the close", closed);
        var after = pair.farMemory.image();
        Waits.quiet(transfer);
        pair.farMemory.assertIs(after, "memory of a closed node");
    }
}
