package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import io.kvwire.tck.fault.StallPoint;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvStream;
import io.kvwire.transport.Limits;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Everything is bounded: a slow reader holds its own sender up, then meets the deadline. */
public abstract class FlowControlContract extends WireContract {
    private static final long WINDOW = 256 << 10;
    private static final int FRAME = 32 << 10;

    /** For subclasses. */
    protected FlowControlContract() {}

    private Pair pair(int transfers, int queued) {
        var setting =
                Settings.limits(limits ->
                        limits.withInFlight(transfers, queued, WINDOW).withFramePayload(FRAME));
        return new Pair(rig, Pair.Shape.of(Layouts.WIDE, 64).with(setting));
    }

    @Test
    void aSlowReaderIsSentNoMoreThanItsWindow() {
        var pair = pair(256, 256);
        var expected = pair.farMemory.image();
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        var transfers = new ArrayList<Transfer>();
        for (int i = 0; i < 30; i++) {
            var request = pair.request(2 * 64);
            pair.written(expected, request);
            transfers.add(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        }
        Waits.until("a frame waits for credit", () -> pair.near.metrics().creditWaits() > 0);
        assertTrue(
                pair.near.metrics().bytesSent() <= WINDOW,
                () -> "more than the window is out: " + pair.near.metrics());
        assertTrue(transfers.stream().noneMatch(t -> t.outcome().isPresent()), "all wait");

        rig.at(pair.far).resume();
        transfers.forEach(Waits::done);
        pair.farMemory.assertIs(expected, "targets after backpressure");
    }

    @Test
    void aSlowReaderOfItsOwnReadsIsSentNoMoreThanItsWindow() {
        var pair = pair(256, 256);
        var expected = pair.nearMemory.image();
        rig.at(pair.near).stall(StallPoint.BEFORE_PAYLOAD);
        var transfers = new ArrayList<Transfer>();
        for (int i = 0; i < 30; i++) {
            var request = pair.request(2 * 64);
            pair.read(expected, request);
            transfers.add(pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT));
        }
        Waits.until("a frame waits for credit", () -> pair.far.metrics().creditWaits() > 0);
        assertTrue(
                pair.far.metrics().bytesSent() <= WINDOW,
                () -> "more than the window is out: " + pair.far.metrics());
        rig.at(pair.near).resume();
        transfers.forEach(Waits::done);
        pair.nearMemory.assertIs(expected, "targets after backpressure");
    }

    @Test
    void aSlowReaderMeetsTheDeadlineAndDisturbsNoOtherPeer() {
        var pair = pair(256, 256);
        var other = rig.node("other");
        var otherMemory = rig.memory(Layouts.WIDE, 64);
        var otherCache = Pair.register(other, otherMemory, Access.REMOTE_WRITE);
        var toOther = rig.connect(pair.near, other);
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        var options = TransferOptions.DEFAULT.withDeadline(Duration.ofMillis(800));
        var slow = new ArrayList<Transfer>();
        var requests = new ArrayList<Pair.Request>();
        for (int i = 0; i < 10; i++) {
            requests.add(pair.request(2 * 64));
            slow.add(pair.peer.write(pair.transfer(requests.getLast()), options));
        }
        Waits.until("a frame waits for credit", () -> pair.near.metrics().creditWaits() > 0);

        for (int i = 0; i < 20; i++) {
            var table = otherCache.allocate(2).orElseThrow();
            Waits.done(
                    toOther.write(
                            BlockTransfer.of(
                                    100 + i,
                                    pair.nearCache,
                                    pair.nearCache.table(60, 61),
                                    toOther.cache(Pair.CACHE).orElseThrow(),
                                    table,
                                    128),
                            TransferOptions.DEFAULT));
        }
        for (var transfer : slow) {
            assertEquals(ErrorCode.DEADLINE_EXCEEDED, Waits.failed(transfer).code());
        }
        rig.at(pair.far).resume();
        slow.forEach(Waits::quiet);
        for (var failed : requests) {
            Waits.get("late bytes are over", pair.farCache.retire(failed.farTable()));
        }
        var request = pair.request(64);
        var expected = pair.written(pair.farMemory.image(), request);
        Waits.done(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        pair.farMemory.assertIs(expected, "a WRITE to the peer that was slow");
    }

    @Test
    void transfersWaitTheirTurnAndBeyondTheLimitEndAtOnce() {
        var pair = pair(2, 3);
        var expected = pair.farMemory.image();
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        var admitted = new ArrayList<Transfer>();
        for (int i = 0; i < 5; i++) {
            var request = pair.request(64);
            pair.written(expected, request);
            admitted.add(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        }
        var tooMany = pair.request(64);
        var refusal =
                Waits.refusal(
                        () -> pair.peer.write(pair.transfer(tooMany), TransferOptions.DEFAULT));
        assertEquals(ErrorCode.RESOURCE_EXHAUSTED, refusal.code(), refusal.getMessage());
        assertTrue(refusal.getMessage().contains("maxQueuedTransfers"), refusal.getMessage());

        rig.at(pair.far).resume();
        admitted.forEach(Waits::done);
        pair.farMemory.assertIs(expected, "targets of those that waited");
        Waits.done(pair.peer.write(pair.transfer(tooMany), TransferOptions.DEFAULT));
    }

    @Test
    void theDeadlineEndsATransferThatWaitsForItsTurn() {
        var pair = pair(1, 3);
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        var first = pair.peer.write(pair.transfer(pair.request(64)), TransferOptions.DEFAULT);
        var options = TransferOptions.DEFAULT.withDeadline(Duration.ofMillis(100));
        var waiting = pair.peer.write(pair.transfer(pair.request(64)), options);
        assertEquals(ErrorCode.DEADLINE_EXCEEDED, Waits.failed(waiting).code());
        Waits.quiet(waiting);
        var cancelled = pair.peer.write(pair.transfer(pair.request(64)), TransferOptions.DEFAULT);
        assertTrue(cancelled.cancel());
        Waits.quiet(cancelled);
        rig.at(pair.far).resume();
        Waits.done(first);
    }

    @Test
    void messagesToAPeerThatDoesNotReadAreBounded() {
        var pair = pair(4, 4);
        var reads = new CountDownLatch(1);
        rig.events(pair.far).onNotified((peer, payload) -> await(reads));
        var message = new byte[Limits.DEFAULT.maxNotificationBytes()];
        try {
            for (int i = 0; i < 10_000; i++) {
                pair.peer.notify(message);
            }
            fail("640 MB of messages were taken and nobody reads them");
        } catch (TransferException e) {
            assertTrue(
                    List.of(ErrorCode.RESOURCE_EXHAUSTED, ErrorCode.PEER_LOST).contains(e.code()),
                    e.toString());
        } finally {
            reads.countDown();
        }
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void streamsThatWaitForComputeDoNotKeepTheWindowToThemselves() {
        int window = 64 << 10;
        int streams = 12;
        int early = 7; // tokens of a layer: just under an eighth of the window
        var shape = Pair.Shape.of(Layouts.WIDE, streams).with(Settings.window(window));
        var pair = new Pair(rig, shape);
        var open = new ArrayList<KvStream>();
        for (int i = 0; i < streams; i++) {
            var request = pair.request(16);
            var stream = pair.peer.stream(pair.transfer(request), TransferOptions.DEFAULT);
            stream.ready(0, 0, early);
            open.add(stream);
        }
        for (var stream : open) {
            stream.ready(0, early, 16 - early);
            stream.ready(1, 0, 16);
            Waits.done(stream.transfer());
            stream.close();
        }
    }
}
