package io.kvwire.tck.fault;

import io.kvwire.transport.spi.Wires;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;

/**
 * Makes the wires of nodes faulty, on purpose and by a seed.
 *
 * <p>Each node gets a {@link NodeFaults}, the switchboard of what goes wrong at that node; nothing
 * does until it is told to. The seed fixes which frames and messages are hit in the order in which
 * they pass; the order itself is up to the threads. Owns one thread for what is late. Thread-safe.
 *
 * {@snippet :
 * try (var injector = FaultInjector.seeded(42)) {
 *     var node = TransferNode.start(config, injector.at("decode").around(wires));
 *     injector.at("decode").use(FaultPlan.NONE.with(Fault.DELAY_FRAME, 0.3));
 * }
 * }
 */
public final class FaultInjector implements AutoCloseable {
    private final long seed;
    private final Map<String, NodeFaults> nodes = new ConcurrentHashMap<>();
    private final ScheduledExecutorService timer =
            Executors.newSingleThreadScheduledExecutor(
                    Thread.ofPlatform().daemon().name("kvwire-faults").factory());

    private FaultInjector(long seed) {
        this.seed = seed;
    }

    /**
     * {@return an injector}
     *
     * @param seed of all that is random
     */
    public static FaultInjector seeded(long seed) {
        return new FaultInjector(seed);
    }

    /**
     * {@return the faults of one node, the same object for the same name}
     *
     * @param node a name that the caller chooses
     */
    public NodeFaults at(String node) {
        return nodes.computeIfAbsent(
                node, name -> new NodeFaults(new Fate(seed + name.hashCode()), timer));
    }

    /** Ends all faults: whatever was held or stalled goes on. */
    public void calm() {
        nodes.values().forEach(NodeFaults::calm);
    }

    /**
     * {@return how often a fault has struck, over all nodes}
     *
     * @param fault which
     */
    public long count(Fault fault) {
        return nodes.values().stream().mapToLong(node -> node.count(fault)).sum();
    }

    /** Ends all faults and the thread. Close the nodes first: what is still late is lost. */
    @Override
    public void close() {
        calm();
        timer.shutdownNow();
    }

    /**
     * {@return wires like these under the faults of a node}
     *
     * @param node a name that the caller chooses
     * @param wires real ones
     */
    public Wires around(String node, Wires wires) {
        return at(node).around(wires);
    }
}
