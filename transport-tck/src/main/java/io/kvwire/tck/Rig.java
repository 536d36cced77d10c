package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertAll;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.tck.fault.FaultInjector;
import io.kvwire.tck.fault.NodeFaults;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferNode;

import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * The set-up of one test: nodes on the wire under test, each under the fault injector, and memory
 * for their caches. Closing it checks that every transfer has ended once and that nothing is left.
 */
final class Rig implements AutoCloseable {
    private final WireUnderTest wire;
    private final Random random;
    private final FaultInjector injector;
    private final Audit audit = new Audit();
    private final Arena arena;
    private final Map<String, TransferNode> nodes = new LinkedHashMap<>();
    private final Map<String, Recorder> recorders = new LinkedHashMap<>();
    private final Optional<LiveThreads> threads;

    Rig(WireUnderTest wire, long seed) {
        this(wire, seed, true);
    }

    /**
     * Sets up a test.
     *
     * @param watchThreads whether threads that are left are those of this one; another may run
     */
    Rig(WireUnderTest wire, long seed, boolean watchThreads) {
        threads =
                watchThreads
                        ? Optional.of(LiveThreads.now(wire.sharedThreads()))
                        : Optional.empty();
        this.wire = wire;
        arena = wire.arena();
        random = new Random(seed);
        injector = FaultInjector.seeded(seed);
    }

    WireUnderTest wire() {
        return wire;
    }

    Arena arena() {
        return arena;
    }

    FaultInjector injector() {
        return injector;
    }

    NodeFaults at(TransferNode node) {
        return injector.at(key(node));
    }

    /** Starts a node; a name may be used again for a restart, and then has fresh faults. */
    TransferNode node(String name) {
        return node(name, config -> config);
    }

    TransferNode node(String name, UnaryOperator<NodeConfig> setting) {
        var recorder = new Recorder();
        var config = setting.apply(NodeConfig.named(name).withListener(recorder));
        var key = name + "#" + nodes.size();
        var node =
                TransferNode.start(
                        wire.configure(config), injector.around(key, audit.around(wire.wires())));
        nodes.put(key, node);
        recorders.put(key, recorder);
        return node;
    }

    private String key(TransferNode node) {
        return nodes.entrySet().stream()
                .filter(entry -> entry.getValue() == node)
                .findFirst()
                .orElseThrow()
                .getKey();
    }

    Recorder events(TransferNode node) {
        return recorders.get(key(node));
    }

    Peer connect(TransferNode from, TransferNode to) {
        return Waits.get("connecting", from.connect(to.address()));
    }

    /**
     * The peer object of a node that was connected to. A connection that the other side has closed
     * may still be a peer of that name for a while beside its successor: waits until it is gone.
     */
    Peer peerAt(TransferNode node, String name) {
        return Waits.within(Waits.patience(), () -> onlyPeer(node, name))
                .orElseThrow(() ->
                        new AssertionError(
                                "'%s' is not one peer of '%s', whose peers are %s"
                                        .formatted(name, node.name(), node.peers())));
    }

    private static Optional<Peer> onlyPeer(TransferNode node, String name) {
        var found = node.peers().stream().filter(peer -> peer.name().equals(name)).toList();
        return found.size() == 1 ? Optional.of(found.getFirst()) : Optional.empty();
    }

    GuardedCache memory(KvLayout layout, int blocks) {
        return memory(layout, blocks, GuardedCache.Placing.ONE_SLAB);
    }

    GuardedCache memory(KvLayout layout, int blocks, GuardedCache.Placing placing) {
        var memory = new GuardedCache(arena, layout, blocks, placing, wire.device());
        memory.scribble(random);
        return memory;
    }

    @Override
    public void close() {
        injector.calm();
        assertAll(
                this::everyTransferHasEnded,
                this::nodesClose,
                this::nothingIsHeld,
                audit::assertInOrder,
                this::giveBack,
                () -> threads.ifPresent(LiveThreads::assertNoneLeft));
    }

    private void everyTransferHasEnded() {
        nodes.forEach((name, node) ->
                Waits.until(
                        () -> "no transfer runs at " + name + ": " + node.metrics(),
                        () ->
                                node.metrics().transfersActive() == 0
                                        && node.metrics().blocksPinned() == 0));
    }

    private void nodesClose() {
        nodes.forEach((name, node) -> {
            var closed = new CompletableFuture<Void>();
            Thread.ofPlatform()
                    .daemon()
                    .name("closing " + name)
                    .start(() -> {
                        try {
                            node.close();
                            closed.complete(null);
                        } catch (RuntimeException e) {
                            closed.completeExceptionally(e);
                        }
                    });
            Waits.get("the close of " + name, closed);
        });
    }

    private void nothingIsHeld() {
        nodes.forEach((name, node) -> {
            var metrics = node.metrics();
            assertEquals(0, metrics.transfersActive(), name + " has transfers that run");
            assertEquals(0, metrics.blocksPinned(), name + " has blocks pinned");
            assertEquals(0, metrics.leases(), name + " has leases");
            assertEquals(0, metrics.views(), name + " has views");
            assertEquals(0, metrics.peers(), name + " has peers");
        });
        recorders.forEach((name, recorder) ->
                recorder.ended.forEach((transfer, times) ->
                        assertEquals(
                                1, times, () -> name + " was told of the end of " + transfer)));
    }

    private void giveBack() {
        wire.close();
        injector.close();
        arena.close();
    }
}
