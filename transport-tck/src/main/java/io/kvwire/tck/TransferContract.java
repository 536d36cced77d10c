package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** WRITE and READ of block lists do what they say, byte for byte, in any number. */
public abstract class TransferContract extends WireContract {
    private static final KvLayout TINY =
            KvLayout.builder().layers(1).kvHeads(1).headDim(8).tokensPerBlock(4).build();

    /** For subclasses. */
    protected TransferContract() {}

    @Test
    void aWriteBringsEveryByteAndTouchesNoOther() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.WIDE, 9));
        var request = pair.request(3 * 64 + 5);
        var expected = pair.written(pair.farMemory.image(), request);
        var source = pair.nearMemory.image();

        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);

        Waits.done(transfer);
        assertInstanceOf(TransferOutcome.Done.class, transfer.outcome().orElseThrow());
        pair.farMemory.assertIs(expected, "target of the WRITE");
        pair.nearMemory.assertIs(source, "source of the WRITE");
        Waits.quiet(transfer);
    }

    @Test
    void aReadBringsEveryByteAndTouchesNoOther() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.WIDE, 9));
        var request = pair.request(3 * 64 + 5);
        var expected = pair.read(pair.nearMemory.image(), request);
        var source = pair.farMemory.image();

        var transfer = pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT);

        Waits.done(transfer);
        pair.nearMemory.assertIs(expected, "target of the READ");
        pair.farMemory.assertIs(source, "source of the READ");
        Waits.quiet(transfer);
    }

    @Test
    void theSideThatWasConnectedToMayInitiateToo() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 9));
        var request = pair.request(50);
        var back = rig.peerAt(pair.far, "near");
        var mirrored =
                BlockTransfer.of(
                        request.id(),
                        pair.farCache,
                        request.farTable(),
                        back.cache(Pair.CACHE).orElseThrow(),
                        request.nearTable(),
                        request.tokens());
        var read = pair.written(pair.farMemory.image(), request);

        Waits.done(back.read(mirrored, TransferOptions.DEFAULT));
        pair.farMemory.assertIs(read, "target of the READ by the side that listens");

        pair.farMemory.scribble(random);
        var written = pair.read(pair.nearMemory.image(), request);
        Waits.done(back.write(mirrored, TransferOptions.DEFAULT));
        pair.nearMemory.assertIs(written, "target of the WRITE by the side that listens");
    }

    @Test
    void anEmptyListCompletesAndNotifies() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 4));
        var request = pair.request(0);
        var before = pair.farMemory.image();
        var options = TransferOptions.DEFAULT.withNotification(new byte[] {1, 2, 3});

        Waits.done(pair.peer.write(pair.transfer(request), options));
        assertNotified(rig.events(pair.far), "near");

        Waits.done(pair.peer.read(pair.transfer(request), options));
        assertNotified(rig.events(pair.near), "far");
        pair.farMemory.assertIs(before, "memory after empty transfers");
    }

    private static void assertNotified(Recorder events, String from) {
        Waits.until("the notification arrives", () -> !events.notices.isEmpty());
        var notice = events.notices.remove();
        assertEquals(from, notice.from());
        assertArrayEquals(new byte[] {1, 2, 3}, notice.payload());
        assertTrue(events.notices.isEmpty(), "one notification only");
    }

    @Test
    void tenThousandBlocksGoInOneTransfer() {
        int blocks = 10_000;
        int spare = 100;
        var pair = new Pair(rig, Pair.Shape.of(TINY, blocks + spare));
        int tokens = blocks * TINY.tokensPerBlock() - 1;
        var request =
                new Pair.Request(
                        77,
                        pair.nearCache.table(Layouts.scattered(random, blocks + spare, blocks)),
                        pair.farCache.table(Layouts.scattered(random, blocks + spare, blocks)),
                        0,
                        tokens);
        var written = pair.written(pair.farMemory.image(), request);

        Waits.done(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        pair.farMemory.assertIs(written, "target of 10,000 blocks written");

        pair.nearMemory.scribble(random);
        var read = pair.read(pair.nearMemory.image(), request);
        Waits.done(pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT));
        pair.nearMemory.assertIs(read, "target of 10,000 blocks read");
    }

    @Test
    void aThousandTransfersRunAtOnce() {
        int count = 1000;
        var pair = new Pair(rig, Pair.Shape.of(TINY, 3 * count));
        var requests = new ArrayList<Pair.Request>();
        var writes = new boolean[count];
        var farAfter = pair.farMemory.image();
        var nearAfter = pair.nearMemory.image();
        for (int i = 0; i < count; i++) {
            var request = pair.request(1 + random.nextInt(3 * TINY.tokensPerBlock()));
            requests.add(request);
            writes[i] = random.nextBoolean();
            if (writes[i]) {
                pair.written(farAfter, request);
            } else {
                pair.read(nearAfter, request);
            }
        }

        var transfers = submitFromFourThreads(pair, requests, writes);
        transfers.forEach(Waits::done);

        pair.farMemory.assertIs(farAfter, "targets of the WRITEs");
        pair.nearMemory.assertIs(nearAfter, "targets of the READs");
        var ended = rig.events(pair.near).ended;
        Waits.until("each end is reported", () -> ended.size() == count);
        assertTrue(ended.values().stream().allMatch(times -> times == 1), "each exactly once");
    }

    private static List<Transfer> submitFromFourThreads(
            Pair pair, List<Pair.Request> requests, boolean[] writes) {
        var transfers = new Transfer[requests.size()];
        var submitters =
                IntStream.range(0, 4)
                        .mapToObj(part ->
                                CompletableFuture.runAsync(() -> {
                                    for (int i = part; i < transfers.length; i += 4) {
                                        var what = pair.transfer(requests.get(i));
                                        transfers[i] =
                                                writes[i]
                                                        ? pair.peer.write(
                                                                what, TransferOptions.DEFAULT)
                                                        : pair.peer.read(
                                                                what, TransferOptions.DEFAULT);
                                    }
                                }))
                        .toArray(CompletableFuture<?>[]::new);
        Waits.get("all submissions", CompletableFuture.allOf(submitters));
        return List.of(transfers);
    }

    @Test
    void aDeadlineMayBeAsFarAwayAsOneLikes() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 9));
        var options = TransferOptions.DEFAULT.withDeadline(Duration.ofSeconds(Long.MAX_VALUE));
        Waits.done(pair.peer.write(pair.transfer(pair.request(10)), options));
        Waits.done(pair.peer.read(pair.transfer(pair.request(10)), options));
    }

    @Test
    void aTransferSaysWhatItMoved() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 9));
        var request = pair.request(40);
        var transfer = pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT);
        Waits.done(transfer);
        Waits.get("the wire is through with it", transfer.quiescence());

        var timing = transfer.timing();
        assertEquals(40L * Layouts.SMALL.tokenBytes() * Layouts.SMALL.layers(), timing.bytes());
        assertTrue(timing.frames() > 0 && timing.descriptors() > 0, timing.toString());
        assertTrue(
                timing.totalNanos() >= timing.queueNanos() && timing.wireNanos() > 0,
                timing.toString());
        assertFalse(transfer.cancel(), "what is done cannot be cancelled");
        assertEquals(timing, transfer.timing(), "final once nothing touches its memory");
    }
}
