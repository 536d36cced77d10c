package io.kvwire.rdma.rig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.rdma.rig.Faults.Counters;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * What transfers between two hosts do under faults. Each ends exactly once, nothing is written that
 * was not allowed, a peer that has no part in it is not disturbed, and both hosts hold as much of
 * their devices afterwards as before.
 */
@Tag("two-hosts")
@Timeout(180)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TransferFaultsTest {
    private static final long HERE = 1;
    private static final long THERE = 2;
    private static final long CANARY = 3;
    private static final int PEER_PORT = 7501;
    private static final int BYSTANDER_PORT = 7502;
    private static final int DOOMED_PORT = 7503;
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final TransferOptions OPTIONS =
            TransferOptions.DEFAULT.withDeadline(PATIENCE.minusSeconds(5));

    /** As long as a resend of 4 MB takes on an emulated processor; for faults in its midst. */
    private static final String SLOW = "rate 60mbit";

    private static final Set<ErrorCode> LOST = Set.of(ErrorCode.LANE_LOST, ErrorCode.PEER_LOST);

    private final List<Transfer> submitted = new ArrayList<>();
    private OtherHost.Running peer;
    private OtherHost.Running bystander;
    private NodeEnd here;
    private String heldBefore;

    @BeforeAll
    void startPeers() {
        OtherHost.assumePresent();
        peer = OtherHost.start(NodePeer.class, String.valueOf(PEER_PORT), "auto");
        bystander = OtherHost.start(NodePeer.class, String.valueOf(BYSTANDER_PORT), "auto");
        assertTrue(Long.parseLong(peer.line()) > 0);
        assertTrue(Long.parseLong(bystander.line()) > 0);
    }

    @AfterAll
    void stopPeers() {
        if (peer != null) {
            peer.close();
            bystander.close();
        }
    }

    @BeforeEach
    void fillBothSides() {
        heldBefore = Faults.held();
        peer.ask("fill " + THERE);
    }

    @AfterEach
    void everyTransferEndedOnceAndNothingIsHeld() {
        try {
            for (var transfer : submitted) {
                get("the end of a transfer", transfer.completion());
                get("quiescence", transfer.quiescence());
                until("its end is told", () -> here.ends.containsKey(transfer));
                assertEquals(1, here.ends.get(transfer), "ends of a transfer");
            }
            assertEquals(0, here.node.metrics().transfersActive());
            assertEquals(0, here.node.metrics().blocksPinned());
        } finally {
            submitted.clear();
            here.close();
        }
        until("the peer holds nothing", () -> peer.ask("idle").equals("true"));
        until("this host holds " + heldBefore, () -> Faults.held().equals(heldBefore));
    }

    // ---- what tests are made of ----------------------------------------------------------------

    private Peer connect() {
        return connect(Map.of());
    }

    /** Opens this host's end, filled, and connects it with the peer. */
    private Peer connect(Map<String, String> options) {
        open(options, Duration.ofSeconds(20));
        return connected(PEER_PORT);
    }

    private void open(Map<String, String> options, Duration silence) {
        var all = new HashMap<>(options);
        here =
                new NodeEnd(
                        "near",
                        config ->
                                config.withLimits(NodeEnd.limits(silence)).withWireOptions(all));
        here.fill(HERE);
    }

    private Peer connected(int port) {
        return get("connecting", here.node.connect(new NodeAddress(OtherHost.ADDRESS, port)));
    }

    private static BlockTable table(OtherHost.Running of, int first) {
        return BlockTable.decode(HexFormat.of().parseHex(of.ask("table " + first)));
    }

    private BlockTransfer all(Peer to) {
        return here.between(to, table(peer, 0));
    }

    private Transfer write(Peer to, BlockTransfer what) {
        return kept(to.write(what, OPTIONS));
    }

    private Transfer read(Peer from, BlockTransfer what) {
        return kept(from.read(what, OPTIONS));
    }

    private Transfer kept(Transfer transfer) {
        submitted.add(transfer);
        return transfer;
    }

    private static <T> T get(String what, java.util.concurrent.CompletableFuture<T> future) {
        try {
            return future.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            throw new AssertionError(what + " failed: " + e.getCause(), e);
        } catch (TimeoutException e) {
            throw new AssertionError(what + " did not happen within " + PATIENCE, e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted during " + what, e);
        }
    }

    private static void until(String what, BooleanSupplier holds) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("not within " + PATIENCE + ": " + what);
            }
            LockSupport.parkNanos(5_000_000);
        }
    }

    private static void assertDone(Transfer... transfers) {
        for (var transfer : transfers) {
            transfer.join(PATIENCE);
        }
    }

    private static TransferOutcome.Failed failed(Transfer transfer) {
        return assertInstanceOf(
                TransferOutcome.Failed.class, get("the end of a transfer", transfer.completion()));
    }

    private static void assertLost(Transfer... transfers) {
        for (var transfer : transfers) {
            var failed = failed(transfer);
            assertTrue(LOST.contains(failed.code()), failed.code() + ": " + failed.message());
        }
    }

    private void assertTargetUnchanged() {
        assertEquals("-1", peer.ask("differs " + THERE), "the target was touched");
    }

    /** Writes everything, reads it back into memory of other content, and compares both. */
    private void moveBothWays(Peer to) {
        assertDone(write(to, all(to)));
        assertEquals("-1", peer.ask("differs " + HERE), "the bytes that were written");
        peer.ask("fill " + CANARY);
        assertDone(read(to, all(to)));
        assertEquals(-1, here.differs(CANARY), "the bytes that were read");
        here.fill(HERE);
    }

    /** Writes to the bystander for as long as something goes on elsewhere. */
    private final class Undisturbed implements AutoCloseable {
        private final Peer other = connected(BYSTANDER_PORT);
        private final List<Transfer> begun = new ArrayList<>();
        private volatile boolean over;
        private final Thread thread = Thread.ofPlatform().start(this::run);

        private void run() {
            var theirs = table(bystander, NodeEnd.BLOCKS - 2);
            do {
                var transfer = other.write(here.between(other, theirs), OPTIONS);
                begun.add(transfer);
                get("the end of a transfer of no concern", transfer.completion());
            } while (!over);
        }

        @Override
        public void close() throws InterruptedException {
            over = true;
            thread.join();
            assertDone(begun.toArray(Transfer[]::new));
            assertTrue(other.connected());
        }
    }

    // ---- the cable -----------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 10})
    void lostPacketsCostNothing(int percent) throws Exception {
        var to = connect(Map.of("rdma.timeout", "16"));
        var before = Counters.now();
        try (var _ = Faults.netem("loss " + percent + "%")) {
            moveBothWays(to);
        }
        before.assertRise("out_of_seq_request", "rcvd_seq_err", "completer_retry_err");
    }

    @Test
    void packetsInAnotherOrderCostNothing() throws Exception {
        var to = connect();
        var before = Counters.now();
        try (var _ = Faults.netem("delay 2ms reorder 98%")) {
            moveBothWays(to);
        }
        before.assertRise("out_of_seq_request");
    }

    @Test
    void duplicatesCostNothing() throws Exception {
        var to = connect();
        var before = Counters.now();
        try (var _ = Faults.netem("duplicate 20%")) {
            moveBothWays(to);
        }
        before.assertRise("duplicate_request");
    }

    @Test
    void aCableThatIsOutForFiveSecondsIsOutlastedByRetries() throws Exception {
        var to = connect(Map.of("rdma.timeout", "18"));
        var before = Counters.now();
        try (var _ = Faults.netem(SLOW)) {
            var transfer = write(to, all(to));
            Faults.pullCable(5);
            assertDone(transfer);
        }
        assertEquals("-1", peer.ask("differs " + HERE), "the bytes that were written");
        before.assertRise("link_downed");
    }

    @Test
    void aCableThatIsOutForLongerThanTheRetriesFailsTransfersOnce() throws Exception {
        var to = connect(Map.of("rdma.timeout", "12", "rdma.retries", "3"));
        var before = Counters.now();
        try (var _ = Faults.netem(SLOW)) {
            var transfer = write(to, all(to));
            Faults.pullCable(5);
            assertLost(transfer);
        }
        before.assertRise("retry_exceeded_err", "link_downed");
        until("both ends gave up", () -> !to.connected() && peer.ask("idle").equals("true"));
        moveBothWays(connected(PEER_PORT));
    }

    // ---- the peer ------------------------------------------------------------------------------

    /** A peer of its own, to be killed or stopped. */
    private OtherHost.Running doomed() {
        return OtherHost.start(NodePeer.class, String.valueOf(DOOMED_PORT), "auto");
    }

    @Test
    void aPeerThatIsKilledFailsItsTransfersAndOneThatStartsAtItsAddressIsAnotherOne()
            throws Exception {
        open(Map.of(), Duration.ofSeconds(3));
        BlockTable stale;
        try (var victim = doomed();
                var _ = Faults.netem(SLOW);
                var _ = new Undisturbed()) {
            var process = victim.line();
            var to = connected(DOOMED_PORT);
            stale = table(victim, 0);
            var writing = write(to, here.between(to, stale));
            var reading = read(to, here.between(to, stale));
            OtherHost.run("kill -KILL " + process);
            assertLost(writing, reading);
            assertEquals(ErrorCode.PEER_LOST, get("the end of the peer", to.closed()).code());
        }
        here.fill(HERE);
        try (var fresh = doomed()) {
            fresh.line();
            fresh.ask("fill " + THERE);
            var to = connected(DOOMED_PORT);
            assertEquals(ErrorCode.STALE, refusal(to, stale).code());
            assertEquals("-1", fresh.ask("differs " + THERE), "reached by a table from before");
            assertDone(write(to, here.between(to, table(fresh, 0))));
            assertEquals("-1", fresh.ask("differs " + HERE), "the bytes that were written");
            to.close();
        }
    }

    private TransferException refusal(Peer to, BlockTable theirs) {
        try {
            var failed = failed(write(to, here.between(to, theirs)));
            return new TransferException(failed.code(), failed.message());
        } catch (TransferException e) {
            return e;
        }
    }

    @Test
    void aPeerThatIsStoppedIsLostAfterItsTimeoutAndNothingReachesItLater() throws Exception {
        open(Map.of(), Duration.ofSeconds(3));
        try (var stopped = doomed()) {
            var process = stopped.line();
            stopped.ask("fill " + THERE);
            var to = connected(DOOMED_PORT);
            var theirs = table(stopped, 0);
            try (var _ = new Undisturbed()) {
                OtherHost.run(
                        "kill -STOP "
                                + process
                                + "; grep -q '^State:.T' /proc/"
                                + process
                                + "/status");
                var writing = write(to, here.between(to, theirs));
                var reading = read(to, here.between(to, theirs));
                assertLost(writing, reading);
                get("quiescence", writing.quiescence());
                get("quiescence", reading.quiescence());
            }
            here.fill(CANARY);
            OtherHost.run("kill -CONT " + process);
            until("it notices, too", () -> stopped.ask("idle").equals("true"));
            assertEquals("-1", stopped.ask("differs " + THERE), "written after the end");
            assertEquals(-1, here.differs(CANARY), "read after the end");
        }
    }

    // ---- keys ----------------------------------------------------------------------------------

    @ParameterizedTest
    @CsvSource({
        "WRONG, windows", "STALE, windows", "SHORT, windows", "WEAK, windows",
        "WRONG, registrations", "STALE, registrations", "SHORT, registrations", "WEAK, registrations"
    })
    void aKeyThatIsNotForTheTargetIsRefusedAndTheTargetStaysAsItIs(String kind, String keys)
            throws Exception {
        try (var other =
                OtherHost.start(NodePeer.class, String.valueOf(DOOMED_PORT), keys)) {
            other.line();
            other.ask("fill " + THERE);
            other.ask("tell " + kind);
            open(Map.of(), Duration.ofSeconds(20));
            var to = connected(DOOMED_PORT);
            // Of the upper half of each frame's range, or a short key would do for the first bytes.
            var theirs = table(other, NodeEnd.BLOCKS / 2);
            try (var _ = new Undisturbed()) {
                assertLost(write(to, here.between(to, theirs)));
            }
            assertNotEquals("0", other.ask("injected"), "no fault was put in");
            if (!kind.equals("SHORT") || keys.equals("registrations")) {
                assertEquals("-1", other.ask("differs " + THERE), "the target was touched");
            }
            until("all lanes are gone", () -> !to.connected() || to.path().lanes() > 0);
            other.ask("tell RIGHT");
            until("the peer is idle", () -> other.ask("idle").equals("true") || to.connected());
        }
    }

    // ---- receives and queue pairs --------------------------------------------------------------

    @Test
    void messagesWaitForReceivesThatAreNotPosted() {
        var to = connect();
        var before = Counters.now();
        peer.ask("withhold true");
        var transfers = new Transfer[12];
        for (int i = 0; i < transfers.length; i++) {
            transfers[i] = write(to, all(to));
        }
        until("a receive is missing", () -> Counters.now().risen(before, "rcvd_rnr_err", "send_rnr_err"));
        peer.ask("withhold false");
        assertDone(transfers);
        assertEquals("-1", peer.ask("differs " + HERE), "the bytes that were written");
    }

    @Test
    void messagesThatFindNoReceiveFailTransfersOnceWhenTheirRetriesAreUsedUp() throws Exception {
        var to = connect(Map.of("rdma.notReadyRetries", "1"));
        var before = Counters.now();
        peer.ask("withhold true");
        try (var _ = new Undisturbed()) {
            var transfers = new Transfer[12];
            for (int i = 0; i < transfers.length; i++) {
                transfers[i] = write(to, all(to));
            }
            assertLost(transfers[transfers.length - 1]);
        } finally {
            peer.ask("withhold false");
        }
        before.assertRise("rcvd_rnr_err", "send_rnr_err");
    }

    @Test
    void aQueuePairThatFailsCostsItsTransferAndTheOtherOneGoesOn() throws Exception {
        var to = connect();
        try (var _ = new Undisturbed();
                var _ = Faults.netem(SLOW)) {
            var transfer = write(to, all(to));
            until("bytes are on their way", () -> here.node.metrics().bytesSent() > 0);
            here.verbs.failQueuePairs(1);
            get("the end of the transfer", transfer.completion());
            get("quiescence", transfer.quiescence());
        }
        assertEquals(1, here.verbs.injected());
        here.fill(CANARY);
        assertDone(write(to.connected() ? to : connected(PEER_PORT), all(to)));
        assertEquals("-1", peer.ask("differs " + CANARY), "the bytes of the second transfer");
    }

    // ---- memory that is taken back -------------------------------------------------------------

    @Test
    void aCacheThatIsDeregisteredDuringATransferIsLeftAlone() throws Exception {
        var to = connect();
        try (var _ = Faults.netem(SLOW)) {
            var transfer = write(to, all(to));
            until("bytes are on their way", () -> here.node.metrics().bytesSent() > 0);
            get("deregistration", here.cache.deregister());
            here.fill(CANARY);
            assertFalse(get("the end", transfer.completion()).done(), "it was over already");
        }
        assertNotEquals("-1", peer.ask("differs " + CANARY));
    }

    @Test
    void blocksThatAreReusedAfterACancelledReadStayAsTheyAre() throws Exception {
        var to = connect();
        OtherHost.run("tc qdisc add dev eth0 root netem " + SLOW);
        try {
            for (int i = 0; i < 4; i++) {
                long before = here.node.metrics().bytesReceived();
                long some = (1L + i) << 18;
                var transfer = read(to, all(to));
                until(
                        "some of it is there",
                        () -> here.node.metrics().bytesReceived() - before >= some);
                assertTrue(transfer.cancel(), "it was over already");
                get("quiescence", transfer.quiescence());
                here.fill(CANARY + i);
                until("the peer is done", () -> peer.ask("pinned").equals("0"));
                assertEquals(-1, here.differs(CANARY + i), "written to after it was quiet");
            }
        } finally {
            OtherHost.run("tc qdisc del dev eth0 root");
        }
        assertTrue(to.connected());
        moveBothWays(to);
    }

    @Test
    void blocksWhoseLeaseEndsAreFreeAlthoughTheReaderStandsStill() {
        var to = connect(Map.of("rdma.keys", "windows"));
        long lease = Long.parseLong(peer.ask("lease 1500"));
        here.verbs.stall(true);
        try {
            var transfer = read(to, all(to).underLease(lease));
            until("this host stands still", () -> here.verbs.injected() > 0);
            peer.ask("retire");
            until("the blocks are free", () -> peer.ask("retired").equals("true"));
            assertFalse(get("its end", transfer.completion()).done());
            peer.ask("fill " + CANARY);
        } finally {
            here.verbs.stall(false);
        }
        until("the key is refused", () -> !to.connected() || to.path().lanes() < 2);
        assertEquals(-1, here.differs(HERE), "read after the end");
    }

    @Test
    void blocksThatAreTakenBackAreFreeAlthoughTheWriterStandsStill() {
        var to = connect();
        here.verbs.stall(true);
        try {
            var transfer = write(to, all(to));
            until("this host stands still", () -> here.verbs.injected() > 0);
            peer.ask("retire");
            until("the blocks are free", () -> peer.ask("retired").equals("true"));
            assertFalse(get("its end", transfer.completion()).done());
            peer.ask("fill " + CANARY);
        } finally {
            here.verbs.stall(false);
        }
        until("the key is refused", () -> !to.connected() || to.path().lanes() < 2);
        assertEquals("-1", peer.ask("differs " + CANARY), "written to after it was taken back");
    }
}
