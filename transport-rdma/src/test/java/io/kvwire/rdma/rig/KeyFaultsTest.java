package io.kvwire.rdma.rig;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Map;

/**
 * Nothing is written or read that was not allowed: with a key that is not for it, after a
 * cancellation, or after memory was taken back from a peer that stands still.
 */
@Tag("two-hosts")
@Timeout(600)
class KeyFaultsTest extends TransferFaults {
    @ParameterizedTest
    @CsvSource({
        // Soft-RoCE looks at the key and the access of a window, and not at its range.
        "WRONG, windows",
        "STALE, windows",
        "WEAK, windows",
        "WRONG, registrations",
        "STALE, registrations",
        "SHORT, registrations",
        "WEAK, registrations"
    })
    void aKeyThatIsNotForTheTargetIsRefusedAndTheTargetStaysAsItIs(String kind, String keys)
            throws Exception {
        boolean windows = keys.equals("windows");
        var spoilt = windows ? peer : bystander;
        spoilt.ask("fill " + THERE);
        spoilt.ask("tell " + kind);
        int before = Integer.parseInt(spoilt.ask("injected"));
        open(Map.of(), SILENCE);
        var to = connected(windows ? PEER_PORT : BYSTANDER_PORT);
        // In the upper half, for which a short key is not good.
        var theirs = table(spoilt, NodeEnd.BLOCKS / 2);
        try (var _ =
                new Undisturbed(windows ? bystander : peer, windows ? BYSTANDER_PORT : PEER_PORT)) {
            assertLost(write(to, here.between(to, theirs)));
            assertTrue(here.verbs.refused() > 0, "lost for another reason");
        } finally {
            spoilt.ask("tell RIGHT");
        }
        assertTrue(Integer.parseInt(spoilt.ask("injected")) > before, "no fault was put in");
        assertEquals("-1", spoilt.ask("differs " + THERE), "the target was touched");
    }

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
        int cancelled = 0;
        for (int tries = 0; cancelled < 4; tries++) {
            assertTrue(tries < 40, "every read was over before it could be cancelled");
            long before = here.node.metrics().bytesReceived();
            long some = (1L + cancelled) << 18;
            var transfer = read(to, all(to));
            until(
                    "some of it is there",
                    () -> here.node.metrics().bytesReceived() - before >= some);
            cancelled += transfer.cancel() ? 1 : 0;
            get("quiescence", transfer.quiescence());
            here.fill(CANARY + tries);
            until("the peer is done", () -> peer.ask("pinned").equals("0"));
            assertEquals(-1, here.differs(CANARY + tries), "written to after it was quiet");
        }
        assertTrue(to.connected());
        here.fill(HERE);
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
        until("the key is refused", () -> here.verbs.refused() > 0);
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
        until("the key is refused", () -> here.verbs.refused() > 0);
        assertEquals("-1", peer.ask("differs " + CANARY), "written to after it was taken back");
    }
}
