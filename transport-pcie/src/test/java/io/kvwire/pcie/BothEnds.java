package io.kvwire.pcie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Peer;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferOutcome;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** What is expected of a node here and one in another process, whatever memory they are in. */
final class BothEnds {
    private static final Set<ErrorCode> LOSSES = Set.of(ErrorCode.LANE_LOST, ErrorCode.PEER_LOST);
    private static final int AT_ONCE = 40;

    private BothEnds() {}

    static void assertDone(Transfer transfer) {
        assertInstanceOf(TransferOutcome.Done.class, transfer.completion().join());
        transfer.quiescence().join();
    }

    static void assertLost(Transfer transfer) {
        var failed = assertInstanceOf(TransferOutcome.Failed.class, transfer.completion().join());
        assertTrue(LOSSES.contains(failed.code()), failed.toString());
        transfer.quiescence().orTimeout(20, TimeUnit.SECONDS).join();
    }

    /** Writes what the other process then holds, and reads what it then makes. */
    static void assertMovesBothWays(Neighbour here, Peer peer, OtherProcess there) {
        here.fill(7);
        assertDone(here.write(peer, there.table()));
        assertEquals("true", there.ask("holds 7"));
        assertEquals("filled", there.ask("fill 8"));
        assertDone(here.read(peer, there.table()));
        assertTrue(here.holds(8));
    }

    /**
     * Kills the other process while it has writes and reads; each is done or lost.
     *
     * @return the transfers, in their order
     */
    static List<Transfer> assertKilledInTheMiddle(Neighbour here, Peer peer, OtherProcess there) {
        var running = new ArrayList<Transfer>();
        for (int i = 0; i < AT_ONCE; i++) {
            running.add(
                    i % 2 == 0 ? here.write(peer, there.table()) : here.read(peer, there.table()));
        }
        assertDone(running.getFirst());
        there.kill();
        peer.closed().orTimeout(20, TimeUnit.SECONDS).join();
        for (var transfer : running) {
            if (!(transfer.completion().join() instanceof TransferOutcome.Done)) {
                assertLost(transfer);
            }
        }
        return running;
    }

    /**
     * Stops the other process, which is given up, and finds the write from before when it wakes.
     */
    static void assertGivenUpWhenStopped(Neighbour here, Peer peer, OtherProcess there) {
        here.fill(1);
        assertDone(here.write(peer, there.table()));
        there.stop();
        var write = here.write(peer, there.table());
        var read = here.read(peer, there.table());
        assertLost(write);
        assertLost(read);
        // What the stopped process may still read is of no use to it: the frames are gone.
        here.fill(2);
        there.signal("CONT");
        assertEquals("true", there.ask("holds 1"));
    }
}
