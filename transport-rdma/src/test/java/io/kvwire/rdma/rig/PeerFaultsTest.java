package io.kvwire.rdma.rig;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.rdma.rig.Faults.Counters;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import java.time.Duration;
import java.util.Map;

/**
 * What transfers do when a peer is killed, stopped or started anew, has no receives, or a queue
 * pair fails; a peer that has no part in it is not disturbed.
 */
@Tag("two-hosts")
@Timeout(600)
class PeerFaultsTest extends TransferFaults {
    /** Of a peer that is stopped; one that merely has to wait for a processor keeps to it. */
    private static final Duration SHORT_SILENCE = Duration.ofSeconds(10);

    /** A peer of its own, to be killed or stopped. */
    private OtherHost.Running doomed() {
        return start(DOOMED_PORT, "windows");
    }

    @Test
    void aPeerThatIsKilledFailsItsTransfersAndOneThatStartsAtItsAddressIsAnotherOne()
            throws Exception {
        open(Map.of(), SILENCE);
        BlockTable stale;
        try (var victim = doomed()) {
            var process = victim.line();
            var to = connected(DOOMED_PORT);
            stale = table(victim, 0);
            try (var _ = Faults.netem(SLOW);
                    var _ = new Undisturbed()) {
                var writing = write(to, here.between(to, stale));
                var reading = read(to, here.between(to, stale));
                OtherHost.run("kill -KILL " + process);
                assertLost(writing, reading);
                assertEquals(ErrorCode.PEER_LOST, get("the end of the peer", to.closed()).code());
            }
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
        open(Map.of(), SHORT_SILENCE);
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

    @Test
    void messagesWaitForReceivesThatAreNotPosted() {
        var to = connect();
        var before = Counters.now();
        peer.ask("withhold true");
        var transfers = new Transfer[12];
        for (int i = 0; i < transfers.length; i++) {
            transfers[i] = write(to, all(to));
        }
        until(
                "a receive is missing",
                () -> Counters.now().risen(before, "rcvd_rnr_err", "send_rnr_err"));
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
        int doomed = here.verbs.queuePairs().getFirst();
        try (var _ = new Undisturbed();
                var _ = Faults.netem(SLOW)) {
            here.verbs.failQueuePair(doomed);
            var transfer = write(to, all(to));
            get("the end of the transfer", transfer.completion());
            get("quiescence", transfer.quiescence());
        }
        assertEquals(1, here.verbs.injected());
        here.fill(CANARY);
        assertDone(write(to.connected() ? to : connected(PEER_PORT), all(to)));
        assertEquals("-1", peer.ask("differs " + CANARY), "the bytes of the second transfer");
    }
}
