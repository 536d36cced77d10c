package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.fault.StallPoint;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Peer;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.Test;

/** A peer that closes, dies, falls silent or starts anew is found out, and nothing hangs on it. */
public abstract class PeerLossContract extends WireContract {
    /** For subclasses. */
    protected PeerLossContract() {}

    private Pair pair() {
        return new Pair(rig, Pair.Shape.of(Layouts.WIDE, 8).with(Settings.quickHeartbeats()));
    }

    /** A WRITE and a READ that cannot end by themselves. */
    private Transfer[] stuck(Pair pair) {
        rig.at(pair.near).hold();
        rig.at(pair.far).hold();
        var transfers =
                new Transfer[] {
                    pair.peer.write(pair.transfer(pair.request(64)), TransferOptions.DEFAULT),
                    pair.peer.read(pair.transfer(pair.request(64)), TransferOptions.DEFAULT)
                };
        Waits.until(
                "frames are held at both ends",
                () -> rig.at(pair.near).held() > 0 && rig.at(pair.far).held() > 0);
        return transfers;
    }

    private void assertLost(Pair pair, Transfer... transfers) {
        for (var transfer : transfers) {
            var failed = Waits.failed(transfer);
            assertEquals(ErrorCode.PEER_LOST, failed.code(), failed.message());
            assertEquals("far", failed.peer());
            Waits.quiet(transfer);
        }
        var reason = Waits.get("the end of the connection", pair.peer.closed());
        assertEquals(ErrorCode.PEER_LOST, reason.code());
        assertFalse(pair.peer.connected());
        Waits.until(
                "the application hears of it",
                () -> rig.events(pair.near).disconnected.containsKey(pair.peer));
        assertTrue(pair.near.peers().isEmpty());
        assertUnusable(pair);
    }

    private static void assertUnusable(Pair pair) {
        var request = pair.request(64);
        var refusal =
                Waits.refusal(
                        () -> pair.peer.write(pair.transfer(request), TransferOptions.DEFAULT));
        assertTrue(
                refusal.code() == ErrorCode.PEER_LOST || refusal.code() == ErrorCode.CLOSED,
                refusal.toString());
        var silence = assertThrows(TransferException.class, () -> pair.peer.notify(new byte[] {1}));
        assertEquals(ErrorCode.PEER_LOST, silence.code());
    }

    @Test
    void aPeerThatDiesEndsEveryTransferWithIt() {
        var pair = pair();
        try (var reception = pair.near.expect(9, pair.nearCache, pair.nearCache.table(7), 0, 64)) {
            var transfers = stuck(pair);
            rig.at(pair.far).kill();
            assertLost(pair, transfers);
            assertFalse(reception.completion().isDone(), "nobody had begun to write it");
        }
    }

    @Test
    void aPeerThatFallsSilentIsLostAfterItsTimeout() {
        var pair = pair();
        var transfers = stuck(pair);
        rig.at(pair.far).vanish();
        assertLost(pair, transfers);
    }

    @Test
    void aPeerThatClosesSaysGoodbye() {
        var pair = pair();
        var atFar = rig.peerAt(pair.far, "near");
        var transfers = stuck(pair);
        atFar.close();
        assertLost(pair, transfers);
        assertEquals(
                ErrorCode.PEER_LOST, Waits.get("the end on the other side", atFar.closed()).code());
    }

    @Test
    void closingAPeerHereEndsItsTransfers() {
        var pair = pair();
        var transfers = stuck(pair);
        pair.peer.close();
        assertLost(pair, transfers);
        Waits.until("the other side notices", () -> pair.far.peers().isEmpty());
    }

    @Test
    void aNodeThatClosesEndsItsTransfers() {
        var pair = pair();
        var transfers = stuck(pair);
        pair.far.close();
        assertLost(pair, transfers);
    }

    @Test
    void aDeadInitiatorLeavesNoBlockPinnedAtItsTarget() {
        var pair = pair();
        var request = pair.request(2 * 64);
        try (var reception =
                        pair.far.expect(request.id(), pair.farCache, request.farTable(), 0, 128);
                var stream = pair.peer.stream(pair.transfer(request), TransferOptions.DEFAULT)) {
            rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
            stream.ready(0, 0, 128);
            Waits.until("a frame is stalled", () -> rig.at(pair.far).stalled() > 0);
            assertTrue(pair.far.metrics().blocksPinned() > 0, "a frame points at the blocks");
            rig.at(pair.near).kill();
            rig.at(pair.far).resume();

            assertEquals(
                    ErrorCode.PEER_LOST,
                    Waits.failure("the reception", reception.completion()).code());
            Waits.get("the blocks are free", pair.farCache.retire(request.farTable()));
            Waits.until("nothing is pinned", () -> pair.far.metrics().blocksPinned() == 0);
        }
    }

    @Test
    void aDeadReaderLeavesNoBlockPinnedAtItsSource() {
        var pair = pair();
        var request = pair.request(2 * 64);
        rig.at(pair.far).hold();
        var lease = pair.farCache.lease(request.id(), request.farTable(), 500_000_000L);
        pair.peer.read(pair.transfer(request).underLease(lease.id()), TransferOptions.DEFAULT);
        Waits.until("frames are held", () -> rig.at(pair.far).held() > 0);
        rig.at(pair.near).kill();
        Waits.until("the owner notices", () -> pair.far.peers().isEmpty());
        rig.at(pair.far).send();
        Waits.get("the blocks are free", pair.farCache.retire(request.farTable()));
    }

    @Test
    void aPeerThatStartsAnewAtItsAddressIsAnotherOne() {
        var near = rig.node("near", Settings.quickHeartbeats());
        var old = rig.node("far", Settings.quickHeartbeats());
        var nearMemory = rig.memory(Layouts.SMALL, 4);
        var farMemory = rig.memory(Layouts.SMALL, 4);
        var nearCache = Pair.register(near, nearMemory, Access.LOCAL);
        var oldTable =
                Pair.register(old, farMemory, Access.REMOTE_READ_WRITE).allocate(1).orElseThrow();
        var oldPeer = rig.connect(near, old);
        var address = old.address();
        rig.at(old).kill();
        Waits.get("the end of the connection", oldPeer.closed());
        old.close();

        TransferNode fresh =
                rig.node(
                        "far",
                        config -> Settings.quickHeartbeats().apply(config.withListen(address)));
        var freshCache = Pair.register(fresh, farMemory, Access.REMOTE_READ_WRITE);
        Peer freshPeer = Waits.get("connecting again", near.connect(address));
        assertNotEquals(oldPeer.incarnation(), freshPeer.incarnation());
        assertEquals(fresh.incarnation(), freshPeer.incarnation());
        var before = farMemory.image();
        var remote = freshPeer.cache(Pair.CACHE).orElseThrow();
        var table = nearCache.table(0);
        for (var cache : new RemoteCache[] {remote, oldPeer.cache(Pair.CACHE).orElse(remote)}) {
            var stale = BlockTransfer.of(1, nearCache, table, cache, oldTable, 16);
            assertEquals(
                    ErrorCode.STALE,
                    Waits.refusal(() -> freshPeer.write(stale, TransferOptions.DEFAULT)).code());
            assertEquals(
                    ErrorCode.STALE,
                    Waits.refusal(() -> freshPeer.read(stale, TransferOptions.DEFAULT)).code());
        }
        farMemory.assertIs(before, "memory behind an old table");

        var good = BlockTransfer.of(2, nearCache, table, remote, freshCache.table(3), 16);
        farMemory.receiveAll(before, new int[] {3}, nearMemory, new int[] {0}, 0, 16);
        Waits.done(freshPeer.write(good, TransferOptions.DEFAULT));
        farMemory.assertIs(before, "WRITE to the new incarnation");
    }

    @Test
    void anIdleConnectionStaysUpByItsHeartbeats() {
        var pair = pair();
        long started = System.nanoTime();
        Waits.until(
                "three timeouts pass",
                () -> System.nanoTime() - started > 3 * Settings.PEER_TIMEOUT.toNanos());
        assertTrue(pair.peer.connected());
        Waits.done(pair.peer.write(pair.transfer(pair.request(64)), TransferOptions.DEFAULT));
    }
}
