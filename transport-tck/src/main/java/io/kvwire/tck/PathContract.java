package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.Access;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.PathReport;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.Test;

/** Loud paths: which one, why, why not another; and nothing falls back in silence. */
public abstract class PathContract extends WireContract {
    /** For subclasses. */
    protected PathContract() {}

    @Test
    void aPeerSaysHowItIsReachedAndWhyNotOtherwise() {
        var near = rig.node("near", config -> config.withLanes(3));
        var far = rig.node("far", config -> config.withLanes(2));
        var peer = rig.connect(near, far);
        for (var report : new PathReport[] {peer.path(), rig.peerAt(far, "near").path()}) {
            assertEquals(rig.wire().path(), report.path());
            assertEquals(2, report.lanes(), "as many as both want");
            assertFalse(report.reason().isBlank());
            assertEquals(rig.wire().codec(), report.codec());
            assertFalse(report.details().isEmpty(), "the wire says something of itself");
            report.rejected().forEach(other -> assertFalse(other.reason().isBlank()));
        }
        assertEquals("far", peer.name());
        assertEquals(far.incarnation(), peer.incarnation());
    }

    @Test
    void aPathThatIsAskedForAndNotThereIsReportedWithItsReason() {
        var near = rig.node("near", config -> config.withPaths("teleport", rig.wire().path()));
        var peer = rig.connect(near, rig.node("far"));
        assertEquals(rig.wire().path(), peer.path().path());
        assertTrue(
                peer.path().rejected().stream()
                        .anyMatch(r -> r.path().equals("teleport") && !r.reason().isBlank()),
                peer.path().toString());
    }

    @Test
    void requiringAPathThatIsNotThereFailsLoudly() {
        var refusal =
                assertThrows(
                        TransferException.class,
                        () -> start(NodeConfig.named("near").requiring("teleport")));
        assertEquals(ErrorCode.PATH_UNAVAILABLE, refusal.code());
        assertTrue(refusal.getMessage().contains("teleport"), refusal.getMessage());

        var none =
                assertThrows(
                        TransferException.class,
                        () -> start(NodeConfig.named("near").withPaths("teleport")));
        assertEquals(ErrorCode.PATH_UNAVAILABLE, none.code());
    }

    private TransferNode start(NodeConfig config) {
        return TransferNode.start(rig.wire().configure(config), rig.wire().wires());
    }

    @Test
    void requiringThePathThatIsThereWorks() {
        var near = rig.node("near", config -> config.requiring(rig.wire().path()));
        var peer = rig.connect(near, rig.node("far"));
        assertEquals(rig.wire().path(), peer.path().path());
    }

    @Test
    void anAddressWithoutANodeIsUnreachable() {
        var gone = rig.node("gone");
        var address = gone.address();
        gone.close();
        var near = rig.node("near");
        var refusal = Waits.failure("connecting", near.connect(address));
        assertEquals(ErrorCode.UNREACHABLE, refusal.code(), refusal.getMessage());
        assertTrue(
                refusal.getMessage().contains(Integer.toString(address.port())),
                refusal.getMessage());
    }

    @Test
    void anAddressInUseCannotBeBound() {
        var first = rig.node("first");
        var refusal =
                assertThrows(
                        TransferException.class,
                        () -> start(NodeConfig.named("second").withListen(first.address())));
        assertEquals(ErrorCode.UNREACHABLE, refusal.code(), refusal.getMessage());
        assertTrue(
                refusal.getMessage().contains(Integer.toString(first.address().port())),
                refusal.getMessage());
    }

    @Test
    void aNodeThatDoesNotListenConnectsAllTheSame() {
        var near = rig.node("near", NodeConfig::connectOnly);
        var far = rig.node("far");
        var refusal = assertThrows(TransferException.class, near::address);
        assertEquals(ErrorCode.CLOSED, refusal.code());
        assertTrue(rig.connect(near, far).connected());
        assertEquals("near", rig.peerAt(far, "near").name());
        assertTrue(far.address().port() > 0 && far.address().host().equals(host()));
    }

    private static String host() {
        return NodeAddress.LOOPBACK.host();
    }

    @Test
    void cachesAndRegionsAreAnnouncedWhenTheyComeAndGo() {
        var near = rig.node("near");
        var far = rig.node("far");
        var peer = rig.connect(near, far);
        assertTrue(peer.caches().isEmpty());

        var cache = Pair.register(far, rig.memory(Layouts.SMALL, 5), Access.REMOTE_READ);
        var region = far.register(rig.arena().allocate(100), Access.REMOTE_WRITE);
        Waits.until("the region is announced", () -> peer.region(region.id()).isPresent());
        var remote = peer.cache(Pair.CACHE).orElseThrow();
        assertEquals(Layouts.SMALL, remote.layout());
        assertEquals(5, remote.blocks());
        assertEquals(Access.REMOTE_READ, remote.access());
        assertEquals(far.incarnation(), remote.incarnation());
        var known = peer.region(region.id()).orElseThrow();
        assertEquals(100, known.byteSize());
        assertEquals(region.generation(), known.generation());
        assertEquals(Access.REMOTE_WRITE, known.access());

        Waits.get("deregistration", cache.deregister());
        Waits.get("deregistration", region.deregister());
        Waits.until(
                "the peer hears of it",
                () -> peer.caches().isEmpty() && peer.region(region.id()).isEmpty());
    }

    @Test
    void twoConnectionsBetweenTheSameNodesAreTwoPeers() {
        var pair = new Pair(rig, Pair.Shape.of(Layouts.SMALL, 8));
        var second = rig.connect(pair.near, pair.far);
        Waits.until("both are up", () -> pair.far.peers().size() == 2);
        pair.peer.close();
        var request = pair.request(20);
        var what =
                new BlockTransfer(
                        request.id(),
                        pair.nearCache,
                        request.nearTable(),
                        second.cache(Pair.CACHE).orElseThrow(),
                        request.farTable(),
                        0,
                        20,
                        0);
        Waits.done(second.write(what, TransferOptions.DEFAULT));
    }
}
