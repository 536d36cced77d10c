package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/** Callbacks run on threads of the wire, and may use everything that does not wait. */
public abstract class CallbackContract extends WireContract {
    /** For subclasses. */
    protected CallbackContract() {}

    @Test
    void oneTransferStartsTheNextWhenItEnds() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 8));
        var request = pair.request(100);
        var expected = pair.written(pair.farMemory.image(), request);
        var left = new AtomicInteger(201);
        var last = new CompletableFuture<Void>();
        submitWhileAny(pair, request, left, last);
        Waits.get("the last of the chain", last);
        pair.farMemory.assertIs(expected, "target of a chain of transfers");
    }

    private static void submitWhileAny(
            Pair pair, Pair.Request request, AtomicInteger left, CompletableFuture<Void> last) {
        int number = left.decrementAndGet();
        var transfer =
                number % 2 == 0
                        ? pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT)
                        : pair.peer.read(pair.transfer(request), TransferOptions.DEFAULT);
        var unused =
                transfer.completion()
                        .thenAccept(outcome -> {
                            if (!outcome.done()) {
                                last.completeExceptionally(new AssertionError(outcome.toString()));
                            } else if (number == 0) {
                                last.complete(null);
                            } else {
                                submitWhileAny(pair, request, left, last);
                            }
                        });
    }

    @Test
    void aNotificationIsAnsweredFromItsCallback() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 1));
        int rounds = 200;
        rig.events(pair.far).onNotified((peer, payload) -> peer.notify(payload));
        rig.events(pair.near)
                .onNotified((peer, payload) -> {
                    if (payload[0] != 0) {
                        payload[0]--;
                        peer.notify(payload);
                    }
                });
        pair.peer.notify(new byte[] {(byte) rounds});
        Waits.until("ping and pong", () -> rig.events(pair.near).notices.size() == rounds + 1);
    }

    @Test
    void aPeerIsClosedFromItsOwnCallback() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 4));
        var request = pair.request(20);
        rig.events(pair.far).onNotified((peer, payload) -> peer.close());
        var transfer =
                pair.peer.write(
                        pair.transfer(request),
                        TransferOptions.DEFAULT.withNotification(new byte[] {1}));
        Waits.get("the end of the connection", pair.peer.closed());
        assertTrue(transfer.outcome().isPresent(), "it ended before or with the connection");
        Waits.until("the other side has no peer", () -> pair.far.peers().isEmpty());
    }

    @Test
    void blocksAreTakenBackFromTheCallbackThatSaysTheyAreThere() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 40));
        var retired = new ArrayList<CompletableFuture<Void>>();
        var request = pair.request(200);
        try (var reception =
                pair.far.expect(request.id(), pair.farCache, request.farTable(), 0, 200)) {
            var taken =
                    reception
                            .completion()
                            .thenCompose(done -> pair.farCache.retire(request.farTable()));
            retired.add(taken);
            Waits.done(pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        }
        retired.forEach(future -> Waits.get("the blocks are free", future));
        assertEquals(40, pair.farCache.freeBlocks());
    }

    @Test
    void transfersAreCancelledFromTheCallbackOfAnother() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 40));
        rig.at(pair.near).hold();
        var others = new ArrayList<Transfer>();
        for (int i = 0; i < 5; i++) {
            others.add(pair.peer.write(pair.transfer(pair.request(50)), TransferOptions.DEFAULT));
        }
        var first = pair.peer.write(pair.transfer(pair.request(50)), TransferOptions.DEFAULT);
        var cancelled = first.completion().thenAccept(outcome -> others.forEach(Transfer::cancel));
        assertTrue(first.cancel());
        Waits.get("the callback", cancelled);
        for (var other : others) {
            assertFalse(Waits.outcome(other).done());
        }
        rig.at(pair.near).send();
        others.forEach(Waits::quiet);
    }
}
