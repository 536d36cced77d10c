package io.kvwire.tck.memory;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.Wires;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A network inside one JVM: it knows which node listens on which address, and nothing outside sees
 * it. Nodes join by the wire option {@value #OPTION}.
 *
 * <p>The fabric owns its addresses; each node owns its threads and pipes. Closing the fabric
 * forgets it: nodes that have joined go on, new ones are refused. Thread-safe.
 *
 * {@snippet :
 * try (var fabric = MemoryFabric.create();
 *         var node = TransferNode.start(fabric.joined(NodeConfig.named("a")), fabric.wires())) {
 *     System.out.println(node.address());
 * }
 * }
 */
public final class MemoryFabric implements AutoCloseable {
    /** Wire option that names the fabric which a node joins. */
    public static final String OPTION = "memory.fabric";

    /** The name of the path and of the control channel. */
    public static final String NAME = "memory";

    static final int RANK = 10;

    private static final int FIRST_FREE_PORT = 49_152;
    private static final int LAST_PORT = 65_535;
    private static final long NO_CUT = Long.MAX_VALUE;

    private static final AtomicLong IDS = new AtomicLong();
    private static final Map<String, MemoryFabric> FABRICS = new ConcurrentHashMap<>();

    private final String id = "fabric-" + IDS.incrementAndGet();
    private final Map<Integer, MemoryChannel> listeners = new HashMap<>();
    private final Map<Long, MemoryPath> paths = new ConcurrentHashMap<>();
    private final MemoryViews views = new MemoryViews();
    private final AtomicLong pathIds = new AtomicLong();
    private final AtomicLong cutAfter = new AtomicLong(NO_CUT);
    private int nextPort = FIRST_FREE_PORT;

    private MemoryFabric() {}

    /** {@return a new network without nodes} */
    public static MemoryFabric create() {
        var fabric = new MemoryFabric();
        FABRICS.put(fabric.id, fabric);
        return fabric;
    }

    static Optional<MemoryFabric> of(NodeConfig config) {
        return Optional.ofNullable(config.wireOptions().get(OPTION)).map(FABRICS::get);
    }

    static MemoryFabric joinedBy(NodeConfig config) {
        return of(config)
                .orElseThrow(() ->
                        new TransferException(
                                ErrorCode.PATH_UNAVAILABLE,
                                "node '"
                                        + config.name()
                                        + "' names no fabric of this JVM: set the wire"
                                        + " option "
                                        + OPTION));
    }

    /** {@return the value of {@value #OPTION} that joins this fabric} */
    public String id() {
        return id;
    }

    /**
     * {@return a configuration whose node joins this fabric}
     *
     * @param config what else is set
     */
    public NodeConfig joined(NodeConfig config) {
        var options = new HashMap<>(config.wireOptions());
        options.put(OPTION, id);
        return config.withWireOptions(options);
    }

    /** {@return the in-memory path and control channel, and no others} */
    public Wires wires() {
        return new Wires(List.of(new MemoryPathProvider()), List.of(new MemoryControlProvider()));
    }

    /**
     * Breaks one lane in the middle of a payload: the one that carries the byte reached after so
     * many more of all links of this fabric.
     *
     * @param payloadBytes from now on, at least 0
     */
    public void cutLaneAfter(long payloadBytes) {
        cutAfter.set(payloadBytes);
    }

    /** Counts payload bytes down to the next cut; true for the one caller that reaches it. */
    boolean cutHere(int payloadBytes) {
        while (true) {
            long left = cutAfter.get();
            if (left == NO_CUT) {
                return false;
            }
            boolean reached = left < payloadBytes;
            if (cutAfter.compareAndSet(left, reached ? NO_CUT : left - payloadBytes)) {
                return reached;
            }
        }
    }

    synchronized NodeAddress bind(NodeAddress address, MemoryChannel listener) {
        int port = address.port();
        if (port == 0) {
            while (listeners.containsKey(nextPort)) {
                nextPort = nextPort == LAST_PORT ? FIRST_FREE_PORT : nextPort + 1;
            }
            port = nextPort;
            nextPort = nextPort == LAST_PORT ? FIRST_FREE_PORT : nextPort + 1;
        }
        if (listeners.putIfAbsent(port, listener) != null) {
            throw new TransferException(
                    ErrorCode.UNREACHABLE,
                    "cannot listen on "
                            + address
                            + ": another node of the fabric does; choose another port");
        }
        return new NodeAddress(address.host(), port);
    }

    synchronized void unbind(NodeAddress address, MemoryChannel listener) {
        listeners.remove(address.port(), listener);
    }

    synchronized Optional<MemoryChannel> listener(NodeAddress address) {
        return Optional.ofNullable(listeners.get(address.port()));
    }

    long add(MemoryPath path) {
        long pathId = pathIds.incrementAndGet();
        paths.put(pathId, path);
        return pathId;
    }

    void remove(long pathId) {
        paths.remove(pathId);
    }

    Optional<MemoryPath> path(long pathId) {
        return Optional.ofNullable(paths.get(pathId));
    }

    /** What nodes let each other read in place. */
    MemoryViews views() {
        return views;
    }

    /** Forgets the fabric. */
    @Override
    public void close() {
        FABRICS.remove(id);
    }
}
