package io.kvwire.rdma.rig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.rdma.rig.Faults.Counters;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.HashMap;
import java.util.Map;

/** What transfers between two hosts do when the cable loses packets, mixes them up, or is out. */
@Tag("two-hosts")
@Timeout(600)
class CableFaultsTest extends TransferFaults {
    /** So slow that a frame of 256 KiB lasts for five seconds. */
    private static final String SLOWEST = "rate 400kbit";

    /** Eight blocks, which are a frame in each layer. */
    private static final int FRAME_TOKENS = 128;

    /** So slow that six blocks, 768 KiB in all layers, last for six seconds. */
    private static final String SLOWER = "rate 1mbit";

    private static final int SOME_TOKENS = 96;

    /** Of the 192 that a frame is in at the least; more than go before its payload. */
    private static final int SOME_PACKETS = 20;

    /** Connects with the peer that shows no windows, which Soft-RoCE does not keep under faults. */
    private Peer connectWithoutWindows(Map<String, String> options) {
        var all = new HashMap<>(options);
        all.put("rdma.keys", "registrations");
        open(all, SILENCE);
        return connected(BYSTANDER_PORT);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 5, 10})
    void lostPacketsCostNothing(int percent) throws Exception {
        var to = connectWithoutWindows(Map.of("rdma.timeout", "16"));
        var before = Counters.now();
        try (var _ = Faults.netem("loss " + percent + "%")) {
            moveBothWays(to, bystander);
        }
        before.assertRise("out_of_seq_request", "rcvd_seq_err", "completer_retry_err");
    }

    /**
     * Soft-RoCE binds a window again when it sends again what was posted before it: that fails, and
     * the queue pair ends or stands still. Then the lane is given up, and no byte is wrong.
     */
    @Test
    void lostPacketsCostLanesAtMostWhereWindowsAreBoundTwice() throws Exception {
        var to = connect(Map.of("rdma.timeout", "16"));
        var before = Counters.now();
        try (var _ = Faults.netem("loss 10%")) {
            to = untilDone(to, over -> over.write(all(over), OPTIONS));
            assertEquals("-1", peer.ask("differs " + HERE), "the bytes that were written");
            peer.ask("fill " + CANARY);
            untilDone(to, over -> over.read(all(over), OPTIONS));
        }
        assertEquals(-1, here.differs(CANARY), "the bytes that were read");
        before.assertRise("out_of_seq_request", "rcvd_seq_err", "completer_retry_err");
    }

    @Test
    void packetsInAnotherOrderCostNothing() throws Exception {
        var to = connectWithoutWindows(Map.of());
        var before = Counters.now();
        try (var _ = Faults.netem("delay 2ms reorder 98%")) {
            moveBothWays(to, bystander);
        }
        before.assertRise("out_of_seq_request");
    }

    @Test
    void duplicatesCostNothing() throws Exception {
        var to = connectWithoutWindows(Map.of());
        var before = Counters.now();
        try (var _ = Faults.netem("duplicate 20%")) {
            moveBothWays(to, bystander);
        }
        before.assertRise("duplicate_request");
    }

    /**
     * When the port goes down its host has granted the only frame, and has nothing to say until
     * that is there. It must not have to say anything again either: the acknowledgement of another
     * grant would wait behind the payload. What a host posts or sends again while its own port is
     * down fails at once on Soft-RoCE, which finds no route then.
     */
    @Test
    void aCableThatIsOutForFiveSecondsIsOutlastedByRetries() throws Exception {
        open(
                Map.of("rdma.keys", "registrations", "rdma.timeout", "20", "rdma.frames", "1"),
                SILENCE,
                config -> config.withLanes(1));
        var to = connected(BYSTANDER_PORT);
        var all = all(to, bystander);
        int first = all.tokens() - FRAME_TOKENS;
        assertDone(write(to, tokens(all, 0, first)));
        var before = Counters.now();
        try (var _ = Faults.netem(SLOWEST)) {
            assertDone(writeWhileTheCableIsPulled(to, tokens(all, first, FRAME_TOKENS), before));
        }
        assertEquals("-1", bystander.ask("differs " + HERE), "the bytes that were written");
        before.assertRise("link_downed");
    }

    /** Retries for two seconds: less than the fault, more than an emulated processor is late. */
    @Test
    void aCableThatIsOutForLongerThanTheRetriesFailsTransfersOnce() throws Exception {
        var to = connectWithoutWindows(Map.of("rdma.timeout", "18", "rdma.retries", "1"));
        var before = Counters.now();
        try (var _ = Faults.netem(SLOWER)) {
            var what = tokens(all(to, bystander), 0, SOME_TOKENS);
            assertLost(writeWhileTheCableIsPulled(to, what, before));
        }
        before.assertRise("retry_exceeded_err", "link_downed");
        to.close();
        until("the peer gave up, too", () -> bystander.ask("idle").equals("true"));
        moveBothWays(connected(BYSTANDER_PORT), bystander);
    }

    /** Pulls the cable for five seconds when some of what is written has arrived. */
    private Transfer writeWhileTheCableIsPulled(Peer to, BlockTransfer what, Counters before) {
        var transfer = write(to, what);
        until("payload arrives", () -> Counters.now().arrivedThere(before) > SOME_PACKETS);
        assertTrue(transfer.outcome().isEmpty(), "it ended before the cable was pulled");
        Faults.pullCable(5);
        return transfer;
    }

    private static BlockTransfer tokens(BlockTransfer all, int first, int count) {
        return new BlockTransfer(
                all.requestId(),
                all.local(),
                all.localBlocks(),
                all.remote(),
                all.remoteBlocks(),
                first,
                count,
                all.leaseId());
    }
}
