package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.fault.Fault;
import io.kvwire.tck.fault.FaultPlan;
import io.kvwire.tck.fault.StallPoint;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Lease;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.time.Duration;

/** The owner keeps leased blocks until the lease ends, and reads under it only as long. */
public abstract class LeaseContract extends WireContract {
    private static final long LONG = Duration.ofMinutes(1).toNanos();
    private static final long SHORT = Duration.ofMillis(150).toNanos();

    private Pair pair;
    private Pair.Request request;

    /** For subclasses. */
    protected LeaseContract() {}

    @BeforeEach
    void connectTwo() {
        pair =
                new Pair(
                        rig,
                        Pair.Shape.of(Layouts.WIDE, 12)
                                .with(Settings.limits(l -> l.withFramePayload(16 << 10))));
        request = pair.request(4 * 64);
    }

    private Lease lease(long timeToLiveNanos) {
        return pair.farCache.lease(request.id(), request.farTable(), timeToLiveNanos);
    }

    private BlockTransfer under(Lease lease) {
        return pair.transfer(request).underLease(lease.id());
    }

    private ErrorCode refusedRead(BlockTransfer what) {
        return Waits.refusal(() -> pair.peer.read(what, TransferOptions.DEFAULT)).code();
    }

    @Test
    void blocksAreReadUnderALease() {
        try (var lease = lease(LONG)) {
            assertTrue(lease.valid());
            assertEquals(request.id(), lease.requestId());
            assertEquals(1, pair.far.metrics().leases());
            var expected = pair.read(pair.nearMemory.image(), request);
            Waits.done(pair.peer.read(under(lease), TransferOptions.DEFAULT));
            pair.nearMemory.assertIs(expected, "READ under a lease");
        }
        Waits.until("no lease is left", () -> pair.far.metrics().leases() == 0);
    }

    @Test
    void aLeaseThatHasRunOutIsRefused() {
        var lease = lease(SHORT);
        var before = pair.nearMemory.image();
        Waits.until("it runs out", () -> !lease.valid());
        assertEquals(ErrorCode.LEASE_EXPIRED, refusedRead(under(lease)));
        assertFalse(lease.renew(LONG), "a lease that ran out stays so");
        assertFalse(lease.valid());
        assertFalse(Waits.get("renewal", pair.peer.renewLease(lease.id(), LONG)));
        pair.nearMemory.assertIs(before, "nothing was read");
        Waits.until("no lease is left", () -> pair.far.metrics().leases() == 0);
    }

    @Test
    void aLeaseThatWasReleasedIsRefused() {
        var lease = lease(LONG);
        lease.close();
        lease.close();
        assertFalse(lease.valid());
        assertEquals(ErrorCode.LEASE_EXPIRED, refusedRead(under(lease)));
        assertEquals(ErrorCode.LEASE_EXPIRED, refusedRead(pair.transfer(request).underLease(42)));
    }

    @Test
    void aLeaseCoversItsOwnBlocksOnly() {
        try (var lease = lease(LONG)) {
            var other = pair.request(64);
            var what = pair.transfer(other).underLease(lease.id());
            var code = refusedRead(what);
            assertTrue(
                    code == ErrorCode.LEASE_EXPIRED
                            || code == ErrorCode.ACCESS_DENIED
                            || code == ErrorCode.STALE,
                    code.toString());
        }
    }

    @Test
    void theReaderGivesTheLeaseBack() {
        var lease = lease(LONG);
        pair.peer.releaseLease(lease.id());
        Waits.until("the owner hears of it", () -> !lease.valid());
        assertFalse(Waits.get("renewal", pair.peer.renewLease(lease.id(), LONG)));
    }

    @Test
    void renewalsFromBothSidesProlongALease() {
        try (var lease = lease(Duration.ofSeconds(5).toNanos())) {
            int epoch = lease.epoch();
            assertTrue(lease.renew(LONG));
            assertTrue(lease.epoch() > epoch, "the epoch rises");
            int renewed = lease.epoch();
            assertTrue(Waits.get("renewal", pair.peer.renewLease(lease.id(), LONG)));
            assertTrue(lease.epoch() > renewed, "the epoch rises");
        }
    }

    @Test
    void leasedBlocksAreNotHandedOutAgainBeforeTheLeaseEnds() {
        var lease = lease(LONG);
        int free = pair.farCache.freeBlocks();
        var retired = pair.farCache.retire(request.farTable());
        assertFalse(retired.isDone(), "a lease holds the blocks");
        assertEquals(free, pair.farCache.freeBlocks());
        var expected = pair.read(pair.nearMemory.image(), request);
        Waits.done(pair.peer.read(under(lease), TransferOptions.DEFAULT));
        pair.nearMemory.assertIs(expected, "READ of blocks that are kept for it");

        lease.close();
        Waits.get("the retirement", retired);
        assertEquals(free + request.farTable().size(), pair.farCache.freeBlocks());
        assertNotEquals(
                request.farTable().block(0),
                pair.farCache.table(request.farTable().id(0)).block(0),
                "the generation has moved on");
        assertEquals(ErrorCode.STALE, refusedRead(pair.transfer(request)));
    }

    @Test
    void blocksOfAnExpiredLeaseGoBackByThemselves() {
        lease(SHORT);
        Waits.get("the retirement", pair.farCache.retire(request.farTable()));
    }

    @Test
    void staleBlocksAreNotLeased() {
        Waits.get("the retirement", pair.farCache.retire(request.farTable()));
        var refusal = assertThrows(TransferException.class, () -> lease(LONG));
        assertEquals(ErrorCode.STALE, refusal.code());
        assertEquals(0, pair.far.metrics().leases());
    }

    @Test
    void aReleaseDuringAReadEndsTheRead() {
        var lease = lease(LONG);
        rig.at(pair.near).stall(StallPoint.BEFORE_PAYLOAD);
        rig.at(pair.far).hold();
        var transfer = pair.peer.read(under(lease), TransferOptions.DEFAULT);
        Waits.until("frames are held", () -> rig.at(pair.far).held() > 0);
        lease.close();
        var retired = pair.farCache.retire(request.farTable());
        rig.at(pair.far).send();
        rig.at(pair.near).resume();
        assertEquals(ErrorCode.LEASE_EXPIRED, Waits.failed(transfer).code());
        Waits.get("the blocks are free", retired);
    }

    @Test
    void aLeaseThatRunsOutDuringAReadEndsTheRead() {
        var lease = lease(SHORT);
        rig.at(pair.far).hold();
        var transfer = pair.peer.read(under(lease), TransferOptions.DEFAULT);
        Waits.until("frames are held", () -> rig.at(pair.far).held() > 0);
        rig.at(pair.near).use(FaultPlan.NONE.with(Fault.DROP_CONTROL, 1));
        Waits.until("the lease runs out", () -> !lease.valid());
        rig.at(pair.far).send();
        assertEquals(ErrorCode.LEASE_EXPIRED, Waits.failed(transfer).code());
        Waits.quiet(transfer);
    }

    @Test
    void dataThatFlowsKeepsTheLease() {
        var lease = lease(4 * SHORT);
        var expected = pair.read(pair.nearMemory.image(), request);
        rig.at(pair.far).hold();
        var transfer = pair.peer.read(under(lease), TransferOptions.DEFAULT);
        long started = System.nanoTime();
        for (long due = started; due - started < 8 * SHORT; due += SHORT / 2) {
            long next = due;
            Waits.until(
                    "a frame is held, and a part of the lease passes",
                    () -> rig.at(pair.far).held() > 0 && System.nanoTime() - next > 0);
            rig.at(pair.far).sendOne();
        }
        assertTrue(lease.valid(), "it was read from all the time");
        rig.at(pair.far).send();
        Waits.done(transfer);
        pair.nearMemory.assertIs(expected, "a READ that took longer than its lease");
        lease.close();
    }

    @Test
    void aLateRenewalDoesNotReviveALease() {
        rig.at(pair.near)
                .use(
                        FaultPlan.NONE
                                .with(Fault.REPEAT_CONTROL, 1)
                                .withLongestDelay(Duration.ofMillis(50)));
        var lease = lease(LONG);
        Waits.get("renewal", pair.peer.renewLease(lease.id(), LONG));
        lease.close();
        var retired = pair.farCache.retire(request.farTable());
        Waits.get("the blocks are free", retired);
        Waits.until("the renewal came twice", () -> rig.injector().count(Fault.REPEAT_CONTROL) > 0);
        rig.injector().calm();
        pair.peer.notify(new byte[] {1});
        Waits.until("later messages came", () -> !rig.events(pair.far).notices.isEmpty());
        assertFalse(lease.valid());
        assertEquals(0, pair.far.metrics().leases());
    }
}
