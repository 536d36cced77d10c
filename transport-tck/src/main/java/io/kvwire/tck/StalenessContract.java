package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.WireUnderTest.Trait;
import io.kvwire.tck.fault.StallPoint;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.RangeTransfer;
import io.kvwire.transport.Region;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.RemoteRegion;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.util.List;

/** A reference that has outlived its block, table, cache or region is refused, never followed. */
public abstract class StalenessContract extends WireContract {
    private static final TransferOptions NOTIFYING =
            TransferOptions.DEFAULT.withNotification(new byte[] {1});

    private Pair pair;
    private Pair.Request request;
    private byte[] farBefore;
    private byte[] nearBefore;

    /** For subclasses. */
    protected StalenessContract() {}

    @BeforeEach
    void connectTwo() {
        pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 20));
        request = pair.request(100);
        farBefore = pair.farMemory.image();
        nearBefore = pair.nearMemory.image();
    }

    private void assertNothingHappened() {
        pair.farMemory.assertIs(farBefore, "far memory");
        pair.nearMemory.assertIs(nearBefore, "near memory");
        assertTrue(rig.events(pair.far).notices.isEmpty(), "nobody is notified");
        assertTrue(rig.events(pair.near).notices.isEmpty(), "nobody is notified");
        theConnectionStillWorks();
    }

    private void theConnectionStillWorks() {
        var other = pair.request(30);
        var expected = pair.written(pair.farMemory.image(), other);
        Waits.done(pair.peer.write(pair.transfer(other), TransferOptions.DEFAULT));
        pair.farMemory.assertIs(expected, "a good WRITE after a refusal");
    }

    private ErrorCode write(Pair.Request what) {
        return Waits.refusal(() -> pair.peer.write(pair.transfer(what), NOTIFYING)).code();
    }

    private ErrorCode read(Pair.Request what) {
        return Waits.refusal(() -> pair.peer.read(pair.transfer(what), NOTIFYING)).code();
    }

    private Pair.Request with(BlockTable near, BlockTable far) {
        return new Pair.Request(request.id(), near, far, 0, request.tokens());
    }

    @Test
    void blocksThatTheirOwnerTookBackAreNotWritten() {
        needs(Trait.OWNER_CHECKS);
        Waits.get("retirement", pair.farCache.retire(request.farTable()));
        assertEquals(ErrorCode.STALE, write(request));
        assertNothingHappened();
    }

    @Test
    void blocksThatTheirOwnerTookBackAreNotRead() {
        needs(Trait.OWNER_CHECKS);
        Waits.get("retirement", pair.farCache.retire(request.farTable()));
        assertEquals(ErrorCode.STALE, read(request));
        assertNothingHappened();
    }

    @Test
    void oneStaleBlockAmongGoodOnesIsEnough() {
        needs(Trait.OWNER_CHECKS);
        var last = pair.farCache.table(request.farTable().id(request.farTable().size() - 1));
        Waits.get("retirement", pair.farCache.retire(last));
        assertEquals(ErrorCode.STALE, read(request));
        assertEquals(ErrorCode.STALE, write(request));
        assertTrue(rig.events(pair.far).notices.isEmpty(), "nobody is notified");
        assertTrue(rig.events(pair.near).notices.isEmpty(), "nobody is notified");
        theConnectionStillWorks();
    }

    @Test
    void ownBlocksThatWereTakenBackAreNotUsed() {
        Waits.get("retirement", pair.nearCache.retire(request.nearTable()));
        assertEquals(ErrorCode.STALE, write(request));
        assertEquals(ErrorCode.STALE, read(request));
        assertNothingHappened();
    }

    @Test
    void aTableOfAnotherIncarnationIsRefused() {
        var far = request.farTable();
        var generations = new int[far.size()];
        for (int i = 0; i < generations.length; i++) {
            generations[i] = far.generation(i);
        }
        var old = BlockTable.of(far.incarnation() + 1, far.ids(), generations);
        assertEquals(ErrorCode.STALE, write(with(request.nearTable(), old)));
        assertEquals(ErrorCode.STALE, read(with(request.nearTable(), old)));
        assertNothingHappened();
    }

    @Test
    void aGenerationThatNeverWasIsRefused() {
        needs(Trait.OWNER_CHECKS);
        var far = request.farTable();
        var generations = new int[far.size()];
        for (int i = 0; i < generations.length; i++) {
            generations[i] = far.generation(i) + 1;
        }
        var early = BlockTable.of(far.incarnation(), far.ids(), generations);
        assertEquals(ErrorCode.STALE, write(with(request.nearTable(), early)));
        assertEquals(ErrorCode.STALE, read(with(request.nearTable(), early)));
        assertNothingHappened();
    }

    @Test
    void aReusedBlockIsServedUnderItsNewGenerationOnly() {
        needs(Trait.OWNER_CHECKS);
        var old = request;
        Waits.get("retirement", pair.farCache.retire(old.farTable()));
        var again = pair.farCache.allocate(old.farTable().size()).orElseThrow();
        assertEquals(old.farTable().id(0), again.id(0), "the block is handed out again");
        assertNotEquals(old.farTable().block(0), again.block(0), "under another generation");

        assertEquals(ErrorCode.STALE, write(old));
        var fresh = with(old.nearTable(), again);
        var expected = pair.written(pair.farMemory.image(), fresh);
        Waits.done(pair.peer.write(pair.transfer(fresh), TransferOptions.DEFAULT));
        pair.farMemory.assertIs(expected, "WRITE to the reused blocks");
    }

    @Test
    void blocksTakenBackInFlightEndTheTransferAndGetNoFurtherByte() {
        rig.at(pair.far).stall(StallPoint.BEFORE_PAYLOAD);
        var transfer = pair.peer.write(pair.transfer(request), NOTIFYING);
        Waits.until("a frame is stalled", () -> rig.at(pair.far).stalled() > 0);

        var retired = pair.farCache.retire(request.farTable());
        assertFalse(retired.isDone(), "a frame still points at the blocks");
        rig.at(pair.far).resume();

        assertEquals(ErrorCode.STALE, Waits.failed(transfer).code());
        Waits.get("retirement", retired);
        assertNothingHappened();
    }

    @Test
    void anUnknownCacheIsRefused() {
        needs(Trait.OWNER_CHECKS);
        var known = pair.remote();
        var unknown =
                new RemoteCache(
                        known.id() + 1000,
                        known.name(),
                        known.layout(),
                        known.blocks(),
                        known.access(),
                        known.incarnation());
        for (var refusal :
                List.of(
                        Waits.refusal(
                                () -> pair.peer.write(pair.transfer(request, unknown), NOTIFYING)),
                        Waits.refusal(() ->
                                pair.peer.read(pair.transfer(request, unknown), NOTIFYING)))) {
            assertEquals(ErrorCode.UNKNOWN_REGION, refusal.code(), refusal.getMessage());
        }
        assertNothingHappened();
    }

    @Test
    void aWithdrawnCacheIsRefusedAndIsNoLongerAnnounced() {
        var gone = pair.remote();
        Waits.get("deregistration", pair.farCache.deregister());
        var refusal = Waits.refusal(() -> pair.peer.write(pair.transfer(request, gone), NOTIFYING));
        assertTrue(
                refusal.code() == ErrorCode.UNKNOWN_REGION || refusal.code() == ErrorCode.STALE,
                refusal.toString());
        Waits.until("the peer hears of it", () -> pair.peer.cache(Pair.CACHE).isEmpty());
        pair.farMemory.assertIs(farBefore, "memory of a withdrawn cache");
        assertThrows(
                TransferException.class,
                () -> pair.farCache.lease(1, request.farTable(), 1_000_000_000));
    }

    @Test
    void anUnknownOrReplacedRegionIsRefused() {
        needs(Trait.OWNER_CHECKS);
        var local = pair.near.register(rig.arena().allocate(64), Access.LOCAL);
        var memory = rig.arena().allocate(64);
        var region = pair.far.register(memory, Access.REMOTE_READ_WRITE);
        Waits.until("it is announced", () -> pair.peer.region(region.id()).isPresent());
        var known = pair.peer.region(region.id()).orElseThrow();
        var unknown = new RemoteRegion(known.id() + 1000, known.generation(), 64, known.access());
        var old = new RemoteRegion(known.id(), known.generation() + 1, 64, known.access());

        assertEquals(ErrorCode.UNKNOWN_REGION, refusedRange(local, unknown));
        assertEquals(ErrorCode.STALE, refusedRange(local, old));
        Waits.get("deregistration", region.deregister());
        var code = refusedRange(local, known);
        assertTrue(code == ErrorCode.UNKNOWN_REGION || code == ErrorCode.STALE, code.toString());
        assertEquals(64, memory.mismatch(rig.arena().allocate(65)), "the memory is untouched");
        assertNothingHappened();
    }

    private ErrorCode refusedRange(Region local, RemoteRegion remote) {
        local.segment().fill((byte) 0);
        var what = new RangeTransfer(1, local, remote, List.of(StridedCopy.contiguous(0, 0, 64)));
        var write = Waits.refusal(() -> pair.peer.write(what, NOTIFYING));
        var read = Waits.refusal(() -> pair.peer.read(what, NOTIFYING));
        assertEquals(write.code(), read.code(), write + " and " + read);
        return write.code();
    }
}
