package io.kvwire.rdma.rig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/**
 * What tests of transfers under faults have in common: two peers on the other host, an end on this
 * one. Each transfer ends exactly once, and both hosts hold as much of their devices afterwards as
 * before.
 */
abstract class TransferFaults {
    static final long HERE = 1;
    static final long THERE = 2;
    static final long CANARY = 3;
    static final int PEER_PORT = 7501;
    static final int BYSTANDER_PORT = 7502;
    static final int DOOMED_PORT = 7503;
    static final Duration PATIENCE = Duration.ofMinutes(2);
    static final Duration SILENCE = Duration.ofMinutes(1);
    static final TransferOptions OPTIONS =
            TransferOptions.DEFAULT.withDeadline(PATIENCE.minusSeconds(5));

    private static final int TRIES = 5;

    /** Between transfers of no concern, which are to leave the others some of the processor. */
    private static final long PAUSE_NANOS = 50_000_000;

    /** 4 MB take a third of a second; for faults in their midst. */
    static final String SLOW = "rate 100mbit";

    /**
     * The option rdma.timeout, of 4 s, with which nothing is sent again merely because a packet is
     * behind all that waits for a slowed cable, or a processor is late: Soft-RoCE does not bear
     * that while windows are bound.
     */
    static final String PATIENT = "20";

    /**
     * The option rdma.retries with which Soft-RoCE never gives up, as is right where a test is not
     * about that: the default gives a peer 0.5 s to answer, which an emulated processor that shares
     * its host does not keep to, nor a packet behind all that waits for a slowed cable.
     */
    private static final String FOR_EVER = "7";

    static final Set<ErrorCode> LOST = Set.of(ErrorCode.LANE_LOST, ErrorCode.PEER_LOST);

    final List<Transfer> submitted = new ArrayList<>();
    static OtherHost.Running peer;
    static OtherHost.Running bystander;
    NodeEnd here;
    String heldBefore;

    /** The first class starts them; they end with this virtual machine. */
    @BeforeAll
    static void startPeers() {
        OtherHost.assumePresent();
        if (peer == null) {
            peer = start(PEER_PORT, "windows");
            bystander = start(BYSTANDER_PORT, "registrations");
            assertTrue(Long.parseLong(peer.line()) > 0);
            assertTrue(Long.parseLong(bystander.line()) > 0);
        }
    }

    static OtherHost.Running start(int port, String keys) {
        return OtherHost.start(NodePeer.class, String.valueOf(port), keys, FOR_EVER);
    }

    @BeforeEach
    void fillBothSides() {
        heldBefore = Faults.held();
        peer.ask("fill " + THERE);
        bystander.ask("fill " + THERE);
    }

    @AfterEach
    void everyTransferEndedOnceAndNothingIsHeld() {
        try {
            for (var transfer : submitted) {
                if (get("the end of a transfer", transfer.completion())
                        instanceof TransferOutcome.Failed failed) {
                    tellWhereItStands(failed);
                }
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
        until("the other peer holds nothing", () -> bystander.ask("idle").equals("true"));
        until("this host holds " + heldBefore, () -> Faults.held().equals(heldBefore));
    }

    Peer connect() {
        return connect(Map.of());
    }

    /** Opens this host's end, filled, and connects it with the peer. */
    Peer connect(Map<String, String> options) {
        open(options, SILENCE);
        return connected(PEER_PORT);
    }

    void open(Map<String, String> options, Duration silence) {
        open(options, silence, UnaryOperator.identity());
    }

    void open(Map<String, String> options, Duration silence, UnaryOperator<NodeConfig> setting) {
        var all = new HashMap<>(options);
        all.putIfAbsent("rdma.retries", FOR_EVER);
        all.putIfAbsent("rdma.keys", "windows");
        if (all.get("rdma.keys").equals("windows")) {
            all.putIfAbsent("rdma.timeout", PATIENT);
        }
        here =
                new NodeEnd(
                        "near",
                        config ->
                                setting.apply(config)
                                        .withLimits(NodeEnd.limits(silence))
                                        .withWireOptions(all));
        here.fill(HERE);
    }

    Peer connected(int port) {
        return get("connecting", here.node.connect(new NodeAddress(OtherHost.ADDRESS, port)));
    }

    static BlockTable table(OtherHost.Running of, int first) {
        return BlockTable.decode(HexFormat.of().parseHex(of.ask("table " + first)));
    }

    BlockTransfer all(Peer to) {
        return all(to, peer);
    }

    BlockTransfer all(Peer to, OtherHost.Running of) {
        return here.between(to, table(of, 0));
    }

    Transfer write(Peer to, BlockTransfer what) {
        return kept(to.write(what, OPTIONS));
    }

    Transfer read(Peer from, BlockTransfer what) {
        return kept(from.read(what, OPTIONS));
    }

    Transfer kept(Transfer transfer) {
        submitted.add(transfer);
        return transfer;
    }

    static <T> T get(String what, CompletableFuture<T> future) {
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

    static void until(String what, BooleanSupplier holds) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() - end > 0) {
                throw new AssertionError("not within " + PATIENCE + ": " + what);
            }
            LockSupport.parkNanos(5_000_000);
        }
    }

    static void assertDone(Transfer... transfers) {
        for (var transfer : transfers) {
            transfer.join(PATIENCE);
        }
    }

    static TransferOutcome.Failed failed(Transfer transfer) {
        return assertInstanceOf(
                TransferOutcome.Failed.class, get("the end of a transfer", transfer.completion()));
    }

    static void assertLost(Transfer... transfers) {
        for (var transfer : transfers) {
            var failed = failed(transfer);
            assertTrue(LOST.contains(failed.code()), failed.code() + ": " + failed.message());
        }
    }

    void assertTargetUnchanged() {
        assertEquals("-1", peer.ask("differs " + THERE), "the target was touched");
    }

    /** Writes everything, reads it back into memory of other content, and compares both. */
    void moveBothWays(Peer to) {
        moveBothWays(to, peer);
    }

    void moveBothWays(Peer to, OtherHost.Running at) {
        assertDone(write(to, all(to, at)));
        assertEquals("-1", at.ask("differs " + HERE), "the bytes that were written");
        at.ask("fill " + CANARY);
        assertDone(read(to, all(to, at)));
        assertEquals(-1, here.differs(CANARY), "the bytes that were read");
        here.fill(HERE);
    }

    /**
     * {@return a peer connected by lanes that have carried a transfer to its good end} A transfer
     * may lose its lanes, and is then tried again over those of another connection.
     */
    Peer untilDone(Peer first, Function<Peer, Transfer> transfers) {
        var to = first;
        for (int tries = 1; ; tries++) {
            var transfer = kept(transfers.apply(to));
            if (get("the end of a transfer", transfer.completion()).done()) {
                return to;
            }
            var failed = failed(transfer);
            System.out.println("try " + tries + ": " + failed.code() + ": " + failed.message());
            assertTrue(LOST.contains(failed.code()), failed.code() + ": " + failed.message());
            assertTrue(tries < TRIES, "not once in " + TRIES + " tries: " + failed.message());
            to.close();
            until("the peer gave up, too", () -> peer.ask("idle").equals("true"));
            to = connected(PEER_PORT);
        }
    }

    /** Tells for a transfer that stood still which packets did not arrive. */
    private static void tellWhereItStands(TransferOutcome.Failed failed) {
        if (failed.code() == ErrorCode.DEADLINE_EXCEEDED) {
            System.out.println(failed.message());
            Faults.queuePairs().forEach(System.out::println);
        }
    }

    /** Writes to another peer for as long as something goes on elsewhere. */
    final class Undisturbed implements AutoCloseable {
        final OtherHost.Running running;
        final Peer other;
        final List<Transfer> begun = new ArrayList<>();
        final Thread thread;
        volatile boolean over;

        Undisturbed() {
            this(bystander, BYSTANDER_PORT);
        }

        Undisturbed(OtherHost.Running running, int port) {
            this.running = running;
            other = connected(port);
            var theirs = table(running, NodeEnd.BLOCKS - 2);
            thread = Thread.ofPlatform().start(() -> run(theirs));
        }

        void run(BlockTable theirs) {
            do {
                var transfer = other.write(here.between(other, theirs), OPTIONS);
                begun.add(transfer);
                get("the end of a transfer of no concern", transfer.completion());
                LockSupport.parkNanos(PAUSE_NANOS);
            } while (!over);
        }

        @Override
        public void close() {
            over = true;
            try {
                thread.join();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new AssertionError("interrupted before the bystander's last transfer", e);
            }
            for (var transfer : begun) {
                assertEquals(
                        new TransferOutcome.Done(),
                        transfer.outcome().orElse(null),
                        () -> "of no concern; at the peer: " + running.ask("metrics"));
            }
            assertTrue(other.connected());
        }
    }
}
