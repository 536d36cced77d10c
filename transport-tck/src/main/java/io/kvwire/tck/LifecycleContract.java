package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.WireUnderTest.Trait;
import io.kvwire.transport.Access;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.MetricsSnapshot;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.Test;

import java.util.List;
import java.util.function.Supplier;

/** What is counted adds up, and closing gives everything back. */
public abstract class LifecycleContract extends WireContract {
    /** For subclasses. */
    protected LifecycleContract() {}

    @Test
    void theCountersOfBothEndsAddUp() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 40));
        long written = 0;
        long read = 0;
        long tokenBytes = Layouts.SMALL.tokenBytes() * Layouts.SMALL.layers();
        for (int i = 1; i <= 5; i++) {
            Waits.done(pair.peer.write(pair.transfer(pair.request(i)), TransferOptions.DEFAULT));
            written += i * tokenBytes;
            Waits.done(pair.peer.read(pair.transfer(pair.request(2 * i)), TransferOptions.DEFAULT));
            read += 2L * i * tokenBytes;
        }
        // Held, or it might be done before it is cancelled.
        rig.at(pair.near).hold();
        var cancelled = pair.peer.write(pair.transfer(pair.request(100)), TransferOptions.DEFAULT);
        Waits.until("frames are held", () -> rig.at(pair.near).held() > 0);
        assertTrue(cancelled.cancel());
        rig.at(pair.near).send();
        Waits.quiet(cancelled);
        Waits.get("retirement", pair.farCache.retire(pair.farCache.table(39)));
        var near = quiet(pair.near::metrics);
        assertEquals(10, near.transfersDone());
        assertEquals(1, near.transfersCancelled());
        assertTrue(near.bytesSent() >= written, near.toString());
        boolean encodes = !rig.wire().codec().equals("raw");
        assertEquals(read, encodes ? near.bytesDecoded() : near.bytesReceived());
        assertEquals(1, near.peers());
        var far = quiet(pair.far::metrics);
        assertEquals(read, encodes ? far.bytesEncoded() : far.bytesSent());
        assertTrue(far.bytesReceived() >= written, far.toString());
        assertEquals(0, far.transfersDone(), "those of the other side are its own");
        assertTrue(near.framesSent() > 0 && near.framesReceived() > 0 && near.descriptors() > 0);
        var total = near.phases().get("total");
        assertEquals(11, total.total(), "each transfer that ended is in the distribution");
        for (var phase : List.of("queue", "encode", "wire", "decode", "scatter")) {
            assertTrue(near.phases().containsKey(phase), phase);
        }
    }

    private static MetricsSnapshot quiet(Supplier<MetricsSnapshot> node) {
        Waits.until(
                "nothing runs",
                () -> node.get().transfersActive() == 0 && node.get().blocksPinned() == 0);
        return node.get();
    }

    @Test
    void failuresAreCountedByTheirCode() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 4));
        var request = pair.request(16);
        var withdrawn = pair.remote();
        Waits.get("deregistration", pair.farCache.deregister());
        var refusal =
                Waits.failed(
                        pair.peer.write(
                                pair.transfer(request, withdrawn), TransferOptions.DEFAULT));
        assertEquals(1L, pair.near.metrics().transfersFailed().get(refusal.code()));
        Waits.until("the refused frame is counted", () -> pair.far.metrics().framesRefused() > 0);
        assertEquals(0, pair.far.metrics().bytesReceived());
    }

    @Test
    void equalLayoutsAreReceivedInPlace() {
        needs(Trait.RECEIVES_IN_PLACE);
        var pair = new Pair(rig, Pair.Shape.of(Layouts.WIDE, 4));
        Waits.done(pair.peer.write(pair.transfer(pair.request(200)), TransferOptions.DEFAULT));
        var far = quiet(pair.far::metrics);
        assertTrue(far.bytesReceived() > 0);
        assertEquals(far.bytesReceived(), far.bytesReceivedInPlace(), "no copy in user space");
        assertEquals(0, quiet(pair.near::metrics).bytesGathered(), "no copy at the source");
    }

    @Test
    void aClosedNodeRefusesEverythingAndClosesTwice() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 4));
        var address = pair.far.address();
        var request = pair.request(16);
        var what = pair.transfer(request);
        pair.near.close();
        pair.near.close();
        var memory = rig.arena().allocate(64);
        assertClosed(
                assertThrows(
                        TransferException.class, () -> pair.near.register(memory, Access.LOCAL)));
        assertClosed(Waits.refusal(() -> pair.peer.write(what, TransferOptions.DEFAULT)));
        TransferException refusal;
        try {
            refusal = Waits.failure("connecting", pair.near.connect(address));
        } catch (TransferException e) {
            refusal = e;
        }
        assertClosed(refusal);
        assertTrue(pair.near.peers().isEmpty());
        assertEquals(0, pair.near.metrics().peers());
    }

    private static void assertClosed(TransferException refusal) {
        assertTrue(
                refusal.code() == ErrorCode.CLOSED || refusal.code() == ErrorCode.PEER_LOST,
                refusal.toString());
    }

    @Test
    void nodesStartAndCloseManyTimesAndLeaveNothing() {
        for (int i = 0; i < 10; i++) {
            var far = rig.node("far");
            var near = rig.node("near");
            var peer = rig.connect(near, far);
            assertTrue(peer.connected());
            if (i % 2 == 0) {
                near.close();
                far.close();
            } else {
                far.close();
                near.close();
            }
        }
    }
}
