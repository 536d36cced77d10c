package io.kvwire.rdma.rig;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.rdma.rig.Faults.Counters;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Map;

/** What transfers between two hosts do when the cable loses packets, mixes them up, or is out. */
@Tag("two-hosts")
@Timeout(600)
class CableFaultsTest extends TransferFaults {
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
        to.close();
        until("the peer gave up, too", () -> peer.ask("idle").equals("true"));
        moveBothWays(connected(PEER_PORT));
    }
}
