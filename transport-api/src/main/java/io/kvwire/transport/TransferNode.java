package io.kvwire.transport;

import io.kvwire.transport.core.LocalNode;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.Wires;

import java.lang.foreign.MemorySegment;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * One process's end of KV-cache transfers: its caches and regions, its listener, its peers.
 *
 * <p>The node owns its connections, its threads and the record of what is registered; the caller
 * owns the memory. Thread-safe. {@link #close} ends all transfers, waits until nothing touches
 * registered memory, and gives everything back.
 *
 * {@snippet :
 * try (var node = TransferNode.start(NodeConfig.named("decode-0"))) {
 *     var cache = node.register("kv", layout, placement, blocks, Access.REMOTE_WRITE);
 *     System.out.println("listening on " + node.address());
 * }
 * }
 */
public interface TransferNode extends AutoCloseable {
    /**
     * Starts a node: opens the paths and, unless the configuration says otherwise, listens.
     *
     * @param config limits, addresses, paths, security
     * @return the node
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when a required path is not
     *     there, {@link ErrorCode#UNREACHABLE} when the address cannot be bound
     */
    static TransferNode start(NodeConfig config) {
        return LocalNode.start(config, Wires.discovered());
    }

    /**
     * Starts a node on given wires, for tests and for embedders that bring their own.
     *
     * @param config limits, addresses, paths, security
     * @param wires to choose from
     * @return the node
     * @throws TransferException as {@link #start(NodeConfig)} does
     */
    static TransferNode start(NodeConfig config, Wires wires) {
        return LocalNode.start(config, wires);
    }

    /** {@return the name, as peers see it} */
    String name();

    /**
     * {@return a random number drawn at start: tells this process from an earlier one at the
     * address}
     */
    long incarnation();

    /**
     * {@return the address on which peers connect}
     *
     * @throws TransferException with {@link ErrorCode#CLOSED} when the node does not listen
     */
    NodeAddress address();

    /**
     * Registers a cache and announces it to all peers.
     *
     * @param name the same at both ends of caches that exchange blocks
     * @param layout its shape
     * @param placement where each layer lies, one entry for each layer
     * @param blocks its number of blocks
     * @param access what peers may do
     * @return the cache
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when the memory is too small
     *     for the layout, {@link ErrorCode#RESOURCE_EXHAUSTED} at {@link Limits#maxRegions()}
     */
    KvCache register(
            String name,
            KvLayout layout,
            List<LayerPlacement> placement,
            int blocks,
            Access access);

    /**
     * Registers a cache in memory of a device and announces it to all peers. Every wire can carry
     * it: where the host cannot address the memory, blocks go through staging in memory of the
     * host, and the device copies them there and back while other frames are on the wire.
     *
     * @param name the same at both ends of caches that exchange blocks
     * @param layout its shape
     * @param placement where each layer lies, in memory of the device
     * @param blocks its number of blocks
     * @param access what peers may do
     * @param device carries out the copies; stays open until this node has closed
     * @return the cache
     * @throws TransferException as {@link #register(String, KvLayout, List, int, Access)} does
     */
    KvCache register(
            String name,
            KvLayout layout,
            List<LayerPlacement> placement,
            int blocks,
            Access access,
            DeviceMemory device);

    /**
     * Registers plain memory and announces it to all peers.
     *
     * @param segment native memory of a shared, automatic or global arena
     * @param access what peers may do
     * @return the region
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} for heap memory or memory
     *     confined to one thread, {@link ErrorCode#RESOURCE_EXHAUSTED} at {@link
     *     Limits#maxRegions()}
     */
    Region register(MemorySegment segment, Access access);

    /**
     * Connects to a peer, sets up the lanes and exchanges what both sides have registered.
     *
     * @param address where the peer listens
     * @return completes with the peer, or exceptionally with {@link TransferException}: {@link
     *     ErrorCode#UNREACHABLE}, {@link ErrorCode#REFUSED}, {@link ErrorCode#VERSION_MISMATCH},
     *     {@link ErrorCode#PATH_UNAVAILABLE}, or {@link ErrorCode#INCOMPATIBLE_LAYOUT} when caches
     *     of one name cannot be mapped
     */
    CompletableFuture<Peer> connect(NodeAddress address);

    /** {@return the peers that are connected, from either side} */
    Collection<Peer> peers();

    /**
     * Expects a request's blocks from one or several peers.
     *
     * @param requestId the application's name of the request
     * @param cache where the blocks are
     * @param table the request's blocks
     * @param firstToken first token that will be written
     * @param tokens how many tokens will be written, in all layers
     * @return the reception
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when the request is expected
     *     already or the table does not reach as far
     */
    KvReception expect(long requestId, KvCache cache, BlockTable table, int firstToken, int tokens);

    /** {@return the counters and distributions since the start} */
    MetricsSnapshot metrics();

    /** Ends all transfers, closes all connections and waits for quiescence. */
    @Override
    void close();
}
