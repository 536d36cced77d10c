package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.WireUnderTest.Trait;
import io.kvwire.tck.fault.Fault;
import io.kvwire.tck.fault.FaultPlan;
import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvView;
import io.kvwire.transport.Lease;
import io.kvwire.transport.RemoteCache;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.ValueLayout;
import java.time.Duration;
import java.util.ArrayList;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;

/**
 * Blocks that are read in place are the owner's, for as long as its lease lasts and no longer, and
 * the reader can tell.
 */
public abstract class ViewContract extends WireContract {
    private static final long LONG = Duration.ofMinutes(1).toNanos();
    private static final long SHORT = Duration.ofMillis(150).toNanos();

    /** Renewed often enough in a test, and long enough for a machine that pauses. */
    private static final long RENEWED = Duration.ofSeconds(2).toNanos();

    private static final int VIEWS = 8;

    /** About as long as a view takes to open. */
    private static final int LONGEST_PAUSE_NANOS = 300_000;

    private Pair pair;
    private Pair.Request request;

    /** For subclasses. */
    protected ViewContract() {}

    @BeforeEach
    void connectTwo() {
        pair =
                new Pair(
                        rig,
                        Pair.Shape.of(Layouts.WIDE, 12)
                                .with(Settings.inFlight(VIEWS, 64, 1L << 20)));
        request = pair.request(4 * 64);
    }

    private Lease lease(long timeToLiveNanos) {
        return pair.farCache.lease(request.id(), request.farTable(), timeToLiveNanos);
    }

    private CompletableFuture<KvView> asked(Lease lease) {
        return asked(pair.remote(), request.farTable(), lease.id());
    }

    private CompletableFuture<KvView> asked(RemoteCache cache, BlockTable blocks, long leaseId) {
        return pair.peer.view(cache, blocks, leaseId, Waits.patience());
    }

    private KvView view(Lease lease) {
        needs(Trait.SHOWS_IN_PLACE);
        return Waits.get("the view", asked(lease));
    }

    private ErrorCode refusal(RemoteCache cache, BlockTable blocks, long leaseId) {
        return Waits.failure("the view", asked(cache, blocks, leaseId)).code();
    }

    private void assertTakenBack(KvView view, ErrorCode why) {
        assertEquals(why, Waits.get("the end of the view", view.ended()).code());
        assertFalse(view.valid());
        Waits.until("the owner has none open", () -> pair.far.metrics().views() == 0);
    }

    @Test
    void aWireShowsBlocksInPlaceOrSaysWhatToDoInstead() {
        try (var lease = lease(LONG)) {
            if (rig.wire().traits().contains(Trait.SHOWS_IN_PLACE)) {
                view(lease).close();
                return;
            }
            var refusal = Waits.failure("the view", asked(lease));
            assertEquals(ErrorCode.PATH_UNAVAILABLE, refusal.code());
            assertTrue(refusal.getMessage().contains("READ"), refusal.getMessage());
            assertEquals(0, pair.far.metrics().views());
        }
    }

    @Test
    void aViewShowsTheBytesOfTheOwnerWithoutMovingAny() {
        try (var lease = lease(LONG);
                var view = view(lease)) {
            assertTrue(view.valid());
            assertEquals(pair.remote(), view.cache());
            assertEquals(request.farTable(), view.blocks());
            pair.farMemory.assertShownBy(view);
            assertEquals(1, pair.far.metrics().views());

            // It is the memory itself: the owner breaks its promise here, and is seen to.
            pair.farMemory.fill(request.farTable().id(0), (byte) 77);
            assertEquals(77, view.key(0, 0).get(ValueLayout.JAVA_BYTE, 0));
            pair.farMemory.assertShownBy(view);
            assertEquals(0, pair.far.metrics().bytesSent());
            assertEquals(0, pair.near.metrics().bytesReceived());
        }
        Waits.until("the owner has none open", () -> pair.far.metrics().views() == 0);
    }

    @Test
    void viewsShowEveryLayoutAndPlacement() {
        needs(Trait.SHOWS_IN_PLACE);
        for (var placing : GuardedCache.Placing.values()) {
            boolean latent = random.nextBoolean();
            var layout = Layouts.one(random, Layouts.model(random, latent), latent);
            var memory = rig.memory(layout, 6, placing);
            var cache = memory.register(pair.far, placing.name(), Access.REMOTE_READ);
            var table = cache.table(Layouts.scattered(random, 6, 4));
            Waits.until("it is announced", () -> pair.peer.cache(placing.name()).isPresent());
            var remote = pair.peer.cache(placing.name()).orElseThrow();
            try (var lease = cache.lease(1, table, LONG);
                    var view = Waits.get("the view", asked(remote, table, lease.id()))) {
                memory.assertShownBy(view);
                if (layout.form() == KvForm.LATENT) {
                    assertThrows(UnsupportedOperationException.class, () -> view.value(0, 0));
                }
            }
        }
    }

    @Test
    void aViewIsReadOnlyAndOfItsBlocksAlone() {
        try (var lease = lease(LONG);
                var view = view(lease)) {
            int layers = Layouts.WIDE.layers();
            var key = view.key(0, 0);
            assertTrue(key.isReadOnly());
            assertEquals(Layouts.WIDE.partBytes(), key.byteSize());
            assertThrows(IndexOutOfBoundsException.class, () -> view.key(0, 4));
            assertThrows(IndexOutOfBoundsException.class, () -> view.value(0, -1));
            assertThrows(IndexOutOfBoundsException.class, () -> view.key(layers, 0));
        }
    }

    @Test
    void aPartOfALeaseCanBeViewed() {
        needs(Trait.SHOWS_IN_PLACE);
        var all = request.farTable();
        var some =
                BlockTable.of(
                        all.incarnation(),
                        new int[] {all.id(1), all.id(2)},
                        new int[] {all.generation(1), all.generation(2)});
        try (var lease = lease(LONG);
                var view = Waits.get("the view", asked(pair.remote(), some, lease.id()))) {
            pair.farMemory.assertShownBy(view);
        }
    }

    @Test
    void aViewThatIsClosedCannotBeReadAndTheLeaseStays() {
        try (var lease = lease(LONG)) {
            var view = view(lease);
            var key = view.key(0, 0);
            view.close();
            view.close();
            assertFalse(view.valid());
            assertThrows(IllegalStateException.class, () -> key.get(ValueLayout.JAVA_BYTE, 0));
            assertTakenBack(view, ErrorCode.CLOSED);
            assertTrue(lease.valid());
        }
    }

    @Test
    void anOpenViewKeepsItsLeaseAndAClosedOneDoesNot() {
        var lease = lease(RENEWED);
        try (var view = view(lease)) {
            long started = System.nanoTime();
            Waits.until(
                    "it is renewed until more than its time has passed",
                    () -> lease.epoch() > 2 && System.nanoTime() - started > RENEWED);
            assertTrue(view.valid());
            assertTrue(lease.valid());
        }
        Waits.until("it runs out", () -> !lease.valid());
    }

    @Test
    void theOwnerTakesItsBlocksBackWithoutWaiting() {
        var lease = lease(LONG);
        try (var view = view(lease)) {
            var key = view.key(1, 2);
            var retired = pair.farCache.retire(request.farTable());
            assertFalse(retired.isDone(), "the lease holds the blocks");
            assertTrue(view.valid());
            lease.close();
            Waits.get("the retirement", retired);
            assertFalse(view.valid(), "at once: before the blocks could be used again");
            assertTakenBack(view, ErrorCode.LEASE_EXPIRED);
            assertEquals(Layouts.WIDE.partBytes(), key.toArray(ValueLayout.JAVA_BYTE).length);
        }
    }

    @Test
    void aLeaseWhoseRenewalsAreLostRunsOutAndTakesTheViewWithIt() {
        var lease = lease(RENEWED);
        try (var view = view(lease)) {
            rig.at(pair.near).use(FaultPlan.NONE.with(Fault.DROP_CONTROL, 1));
            Waits.get("the retirement", pair.farCache.retire(request.farTable()));
            assertFalse(view.valid());
            assertTakenBack(view, ErrorCode.LEASE_EXPIRED);
            rig.injector().calm();
        }
    }

    @Test
    void aCacheIsWithdrawnFromUnderAView() {
        try (var view = view(lease(LONG))) {
            var key = view.key(0, 0);
            Waits.get("the withdrawal", pair.farCache.deregister());
            assertTakenBack(view, ErrorCode.LEASE_EXPIRED);
            assertEquals(Layouts.WIDE.partBytes(), key.toArray(ValueLayout.JAVA_BYTE).length);
        }
    }

    @Test
    void aViewEndsWithTheConnection() {
        try (var lease = lease(LONG);
                var view = view(lease)) {
            pair.peer.close();
            assertTakenBack(view, ErrorCode.PEER_LOST);
            assertEquals(ErrorCode.PEER_LOST, Waits.failure("the view", asked(lease)).code());
        }
    }

    @Test
    void aViewEndsWithItsOwnerAndCanStillBeClosed() {
        var view = view(lease(LONG));
        pair.far.close();
        assertEquals(ErrorCode.PEER_LOST, Waits.get("the end of the view", view.ended()).code());
        assertFalse(view.valid());
        view.close();
    }

    @Test
    void whatMayNotBeReadIsNotShown() {
        try (var lease = lease(LONG)) {
            var remote = pair.remote();
            var table = request.farTable();
            assertEquals(ErrorCode.LEASE_EXPIRED, refusal(remote, table, 0));
            assertEquals(ErrorCode.LEASE_EXPIRED, refusal(remote, table, 42));
            var other = pair.request(64).farTable();
            assertEquals(ErrorCode.STALE, refusal(remote, other, lease.id()));
            var earlier = BlockTable.of(table.incarnation() + 1, new int[1], new int[1]);
            assertEquals(ErrorCode.STALE, refusal(remote, earlier, lease.id()));
            var unknown =
                    new RemoteCache(
                            9999,
                            "unknown",
                            remote.layout(),
                            remote.blocks(),
                            remote.access(),
                            remote.incarnation());
            assertEquals(ErrorCode.UNKNOWN_REGION, refusal(unknown, table, lease.id()));
        }
        var memory = rig.memory(Layouts.SMALL, 2);
        var closed = memory.register(pair.far, "write-only", Access.REMOTE_WRITE);
        Waits.until("it is announced", () -> pair.peer.cache("write-only").isPresent());
        var table = closed.table(0);
        try (var lease = closed.lease(1, table, LONG)) {
            var remote = pair.peer.cache("write-only").orElseThrow();
            assertEquals(ErrorCode.ACCESS_DENIED, refusal(remote, table, lease.id()));
        }
        assertEquals(0, pair.far.metrics().views());
    }

    @Test
    void thePeerOpensSoManyViewsAndNoMore() {
        var open = new ArrayList<KvView>();
        try (var lease = lease(LONG)) {
            for (int i = 0; i < VIEWS; i++) {
                open.add(view(lease));
            }
            assertEquals(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    Waits.failure("one too many", asked(lease)).code());
            open.removeFirst().close();
            Waits.until("the owner knows", () -> pair.far.metrics().views() < VIEWS);
            open.add(view(lease));
            open.forEach(pair.farMemory::assertShownBy);
        } finally {
            open.forEach(KvView::close);
        }
    }

    @Test
    void messagesThatComeTwiceOrLateOpenOneView() {
        needs(Trait.SHOWS_IN_PLACE);
        var repeated =
                FaultPlan.NONE
                        .with(Fault.REPEAT_CONTROL, 1)
                        .withLongestDelay(Duration.ofMillis(50));
        rig.at(pair.near).use(repeated);
        rig.at(pair.far).use(repeated);
        try (var lease = lease(LONG)) {
            for (int i = 0; i < 2 * VIEWS; i++) {
                try (var view = view(lease)) {
                    pair.farMemory.assertShownBy(view);
                }
            }
            rig.injector().calm();
            Waits.until("the owner has none open", () -> pair.far.metrics().views() == 0);
        }
    }

    @Test
    void anAnswerThatDoesNotComeIsWaitedForUntilTheDeadline() {
        needs(Trait.SHOWS_IN_PLACE);
        rig.at(pair.far).use(FaultPlan.NONE.with(Fault.DROP_CONTROL, 1));
        var lease = lease(2 * SHORT);
        var asked =
                pair.peer.view(
                        pair.remote(), request.farTable(), lease.id(), Duration.ofNanos(SHORT));
        assertEquals(ErrorCode.DEADLINE_EXCEEDED, Waits.failure("the view", asked).code());
        Waits.until("the lease ends, and what was shown with it", () -> !lease.valid());
        Waits.until("the owner has none open", () -> pair.far.metrics().views() == 0);
        rig.injector().calm();
    }

    @Test
    void aViewThatNobodyWaitsForIsGivenBack() {
        needs(Trait.SHOWS_IN_PLACE);
        try (var lease = lease(LONG)) {
            for (int batch = 0; batch < 10; batch++) {
                giveUp(VIEWS - 1, lease);
                try (var last = view(lease)) { // asked after them, and answered after them
                    pair.farMemory.assertShownBy(last);
                    Waits.until("no other is open", () -> pair.far.metrics().views() == 1);
                }
                Waits.until("none is open", () -> pair.far.metrics().views() == 0);
            }
        }
    }

    /** Asks for so many views and takes that back, before or after they are open. */
    private void giveUp(int count, Lease lease) {
        for (int i = 0; i < count; i++) {
            var asked = asked(lease);
            LockSupport.parkNanos(random.nextInt(LONGEST_PAUSE_NANOS));
            if (!asked.cancel(false)) {
                Waits.get("the view", asked).close();
            }
        }
    }

    @Test
    void aLeaseThatEndsWhileAViewIsOpenedEndsItOrRefusesIt() {
        needs(Trait.SHOWS_IN_PLACE);
        for (int i = 0; i < 50; i++) {
            var lease = lease(LONG);
            var asked = asked(lease);
            LockSupport.parkNanos(random.nextInt(LONGEST_PAUSE_NANOS));
            lease.close();
            try (var view = Waits.get("an answer", asked.exceptionally(_ -> null))) {
                if (view == null) {
                    assertEquals(ErrorCode.LEASE_EXPIRED, Waits.failure("the view", asked).code());
                } else {
                    assertTakenBack(view, ErrorCode.LEASE_EXPIRED);
                }
            }
        }
        Waits.until("the owner has none open", () -> pair.far.metrics().views() == 0);
    }
}
