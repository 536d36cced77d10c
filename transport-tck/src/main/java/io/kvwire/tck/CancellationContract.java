package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.fault.StallPoint;
import io.kvwire.transport.Access;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.RangeTransfer;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * A transfer may be withdrawn at any time, and memory goes back to its owner only when nothing
 * touches it any more: what its owner writes there then stays.
 */
public abstract class CancellationContract extends WireContract {
    private static final byte CANARY = 0x5A;

    /** For subclasses. */
    protected CancellationContract() {}

    private Pair pair() {
        return new Pair(rig, Pair.Shape.of(Layouts.WIDE, 8));
    }

    private static void reuse(GuardedCache memory, int[] ids) {
        for (int id : ids) {
            memory.fill(id, CANARY);
        }
    }

    /** Sends other blocks over all lanes: whatever was late has arrived after that. */
    private void flush(Pair pair) {
        for (int i = 0; i < 2; i++) {
            var request = pair.request(64);
            var expected = pair.written(pair.farMemory.image(), request);
            Waits.done(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
            Waits.done(pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT));
            pair.farMemory.assertIs(expected, "reused blocks, after more traffic");
        }
    }

    @ParameterizedTest
    @EnumSource(StallPoint.class)
    void aWriteCancelledInFlightLeavesReusedBlocksAlone(StallPoint point) {
        if (point == StallPoint.AFTER_FIRST_RUN) {
            needsRawBlocks(); // an encoded frame has one run; see CodecContract
            needsBlocksInPlace(); // so has one that is staged
        }
        var pair = pair();
        var request = pair.request(2 * 64);
        rig.at(pair.far).stall(point);
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("a frame is stalled", () -> rig.at(pair.far).stalled() > 0);

        assertTrue(transfer.cancel());
        assertInstanceOf(TransferOutcome.Cancelled.class, transfer.outcome().orElseThrow());
        assertFalse(transfer.cancel(), "it has ended already");
        var retired = pair.farCache.retire(request.farTable());
        assertFalse(retired.isDone(), "a frame still points at the blocks");
        rig.at(pair.far).resume();

        Waits.get("the target blocks are free", retired);
        reuse(pair.farMemory, request.farTable().ids());
        Waits.quiet(transfer);
        reuse(pair.nearMemory, request.nearTable().ids());
        flush(pair);
    }

    @ParameterizedTest
    @EnumSource(StallPoint.class)
    void aReadCancelledInFlightLeavesReusedBlocksAlone(StallPoint point) {
        if (point == StallPoint.AFTER_FIRST_RUN) {
            needsRawBlocks(); // an encoded frame has one run; see CodecContract
            needsBlocksInPlace(); // so has one that is staged
        }
        var pair = pair();
        var request = pair.request(2 * 64);
        rig.at(pair.near).stall(point);
        var transfer = pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("a frame is stalled", () -> rig.at(pair.near).stalled() > 0);

        assertTrue(transfer.cancel());
        assertFalse(transfer.quiescence().isDone(), "a frame still points at the blocks");
        var retired = pair.nearCache.retire(request.nearTable());
        assertFalse(retired.isDone(), "a frame still points at the blocks");
        rig.at(pair.near).resume();

        Waits.quiet(transfer);
        Waits.get("the target blocks are free", retired);
        reuse(pair.nearMemory, request.nearTable().ids());
        var expected = pair.nearMemory.image();
        Waits.get("the source is free", pair.farCache.retire(request.farTable()));
        pair.farMemory.scribble(random);
        flushReads(pair, expected);
    }

    private void flushReads(Pair pair, byte[] nearBefore) {
        var request = pair.request(64);
        var expected = pair.read(nearBefore, request);
        Waits.done(pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT));
        pair.nearMemory.assertIs(expected, "reused blocks, after more traffic");
    }

    @Test
    void nothingIsWrittenOnceTheTargetBlocksAreTakenBack() {
        var pair = pair();
        var request = pair.request(64);
        var before = pair.farMemory.image();
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("a frame is stalled", () -> rig.at(pair.far).stalled() > 0);
        var retired = pair.farCache.retire(request.farTable());
        rig.at(pair.far).resume();
        Waits.get("the target blocks are free", retired);
        assertEquals(ErrorCode.STALE, Waits.failed(transfer).code());
        pair.farMemory.assertIs(before, "blocks taken back before the first byte");
    }

    @Test
    void aTransferCancelledBeforeItsFirstByteSendsNone() {
        var pair = pair();
        var request = pair.request(2 * 64);
        var before = pair.farMemory.image();
        rig.at(pair.near).hold();
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("frames are held", () -> rig.at(pair.near).held() > 0);
        assertTrue(transfer.cancel());
        var retired = pair.nearCache.retire(request.nearTable());
        assertFalse(transfer.quiescence().isDone(), "the wire still has frames of the source");
        assertFalse(retired.isDone(), "the wire still has frames of the source");
        rig.at(pair.near).send();
        Waits.quiet(transfer);
        Waits.get("the source is free", retired);
        pair.farMemory.assertIs(before, "target of a WRITE that never began");
        flush(pair);
    }

    @Test
    void theDeadlineEndsATransferThatIsStuckAndOthersGoOn() {
        var pair = pair();
        var request = pair.request(64);
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        var options = TransferOptions.DEFAULT.withDeadline(Duration.ofMillis(300));
        var transfer = pair.peer.write(pair.transfer(request), options);
        var failed = Waits.failed(transfer);
        assertEquals(ErrorCode.DEADLINE_EXCEEDED, failed.code(), failed.message());
        assertEquals("far", failed.peer());
        assertEquals(1, failed.blocks());
        rig.at(pair.far).resume();
        Waits.quiet(transfer);
        Waits.get("the target blocks are free", pair.farCache.retire(request.farTable()));
        reuse(pair.farMemory, request.farTable().ids());
        flush(pair);
    }

    @Test
    void theDeadlineEndsAReadThatIsStuck() {
        var pair = pair();
        var request = pair.request(64);
        rig.at(pair.far).hold();
        var options = TransferOptions.DEFAULT.withDeadline(Duration.ofMillis(300));
        var transfer = pair.peer.read(pair.transfer(request), options);
        assertEquals(ErrorCode.DEADLINE_EXCEEDED, Waits.failed(transfer).code());
        Waits.quiet(transfer);
        reuse(pair.nearMemory, request.nearTable().ids());
        var expected = pair.nearMemory.image();
        rig.at(pair.far).send();
        Waits.get("the source is free", pair.farCache.retire(request.farTable()));
        flushReads(pair, expected);
    }

    @Test
    void withdrawingACacheEndsItsTransfersAndWaitsForThem() {
        var pair = pair();
        var request = pair.request(2 * 64);
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("a frame is stalled", () -> rig.at(pair.far).stalled() > 0);

        var withdrawn = pair.farCache.deregister();
        assertFalse(withdrawn.isDone(), "a frame still points at the cache");
        rig.at(pair.far).resume();
        assertGone(transfer);
        Waits.get("the withdrawal", withdrawn);
        var after = pair.farMemory.image();
        Waits.quiet(transfer);
        pair.farMemory.assertIs(after, "memory of a withdrawn cache");
    }

    @Test
    void withdrawingTheOwnCacheEndsItsTransfersAndWaitsForThem() {
        var pair = pair();
        var request = pair.request(2 * 64);
        rig.at(pair.near).stall(StallPoint.BEFORE_PAYLOAD);
        var transfer = pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("a frame is stalled", () -> rig.at(pair.near).stalled() > 0);

        var withdrawn = pair.nearCache.deregister();
        assertFalse(withdrawn.isDone(), "a frame still points at the cache");
        rig.at(pair.near).resume();
        assertGone(transfer);
        Waits.get("the withdrawal", withdrawn);
        Waits.quiet(transfer);
    }

    @Test
    void closingANodeWaitsForWhatPointsAtItsMemory() {
        var shape = Pair.Shape.of(Layouts.WIDE, 8).with(Settings.quickHeartbeats());
        var pair = new Pair(rig, shape);
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        var transfer =
                pair.peer.write(pair.transfer(pair.request(2 * 64)), TransferOptions.DEFAULT);
        Waits.until("a frame is stalled", () -> rig.at(pair.far).stalled() > 0);

        var closed = CompletableFuture.runAsync(pair.far::close);
        assertFalse(Waits.outcome(transfer).done());
        Waits.get("the end of the connection", pair.peer.closed());
        assertFalse(closed.isDone(), "a frame still points at the memory of the node");
        rig.at(pair.far).resume();
        Waits.get("the close", closed);
        var after = pair.farMemory.image();
        Waits.quiet(transfer);
        pair.farMemory.assertIs(after, "memory of a closed node");
    }

    @Test
    void withdrawingTheSourceOfAReadEndsIt() {
        var pair = pair();
        var request = pair.request(2 * 64);
        rig.at(pair.far).hold();
        var transfer = pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.until("frames are held", () -> rig.at(pair.far).held() > 0);
        var withdrawn = pair.farCache.deregister();
        assertFalse(withdrawn.isDone(), "a frame still points at the cache");
        assertGone(transfer);
        rig.at(pair.far).send();
        Waits.get("the withdrawal", withdrawn);
    }

    @Test
    void withdrawingTheSourceOfAnOpenStreamEndsIt() {
        var pair = pair();
        var request = pair.request(2 * 64);
        try (var stream = pair.peer.stream(pair.transfer(request), TransferOptions.DEFAULT)) {
            stream.ready(0, 0, 128);
            Waits.get("the withdrawal", pair.nearCache.deregister());
            assertGone(stream.transfer());
        }
    }

    private static void assertGone(Transfer transfer) {
        var code = Waits.failed(transfer).code();
        assertTrue(code == ErrorCode.STALE || code == ErrorCode.UNKNOWN_REGION, code.toString());
    }

    @Test
    void withdrawingARegionEndsItsTransfersAndWaitsForThem() {
        var near = rig.node("near");
        var far = rig.node("far");
        var local = near.register(rig.arena().allocate(200_000), Access.LOCAL);
        var owned = far.register(rig.arena().allocate(200_000), Access.REMOTE_READ_WRITE);
        var peer = rig.connect(near, far);
        var what =
                new RangeTransfer(
                        1,
                        local,
                        peer.region(owned.id()).orElseThrow(),
                        List.of(StridedCopy.contiguous(0, 0, 200_000)));
        rig.at(far).stall(StallPoint.BEFORE_PAYLOAD);
        var transfer = peer.write(what, TransferOptions.DEFAULT);
        Waits.until("a frame is stalled", () -> rig.at(far).stalled() > 0);

        var withdrawn = owned.deregister();
        assertFalse(withdrawn.isDone(), "a frame still points at the region");
        rig.at(far).resume();
        assertEquals(ErrorCode.STALE, Waits.failed(transfer).code());
        Waits.get("the withdrawal", withdrawn);
        assertEquals(
                -1,
                owned.segment().mismatch(rig.arena().allocate(200_000)),
                "no byte came after the withdrawal");
    }
}
