package io.kvwire.transport;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * A paged KV cache of this process, registered with a {@link TransferNode} under a name. The node
 * owns the record of which use of a block is current; the engine that owns the memory tells it when
 * a block is handed out or taken back.
 *
 * <p>An engine with its own allocator calls {@link #table} for blocks it has chosen and {@link
 * #retire} before it reuses them; one without calls {@link #allocate}. Thread-safe.
 */
public interface KvCache {
    /** {@return the name, the same at both ends of caches that exchange blocks} */
    String name();

    /** {@return the shape} */
    KvLayout layout();

    /** {@return the number of blocks} */
    int blocks();

    /** {@return what peers may do} */
    Access access();

    /** {@return where each layer lies, in order of layers} */
    List<LayerPlacement> placement();

    /**
     * Takes free blocks, lowest index first.
     *
     * @param count how many, at least 0
     * @return a table of them, or empty when fewer are free; nothing is taken then
     */
    Optional<BlockTable> allocate(int count);

    /**
     * Names blocks that an engine's own allocator has chosen, under their present generations.
     *
     * @param ids block indexes, in order of tokens
     * @return the table
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when an index is not one of
     *     this cache
     */
    BlockTable table(int... ids);

    /**
     * Takes blocks back from every peer: their generation moves on, so that whatever still refers
     * to them is refused. That happens at once, except for blocks under a valid lease, which stay
     * readable until it ends. Blocks whose generation has moved on already are left alone.
     *
     * @param table blocks of this cache
     * @return completes when no transfer touches the blocks any more and no lease holds them; only
     *     then may they be reused ({@link #allocate} hands them out from then on)
     */
    CompletableFuture<Void> retire(BlockTable table);

    /**
     * Promises to keep blocks unchanged for peers that will READ them.
     *
     * @param requestId the request that the blocks hold
     * @param table blocks of this cache, all current
     * @param timeToLiveNanos from now, renewed by readers while data flows
     * @return the lease
     * @throws TransferException with {@link ErrorCode#STALE} when a block is no longer current
     */
    Lease lease(long requestId, BlockTable table, long timeToLiveNanos);

    /** {@return the number of blocks that {@link #allocate} could hand out now} */
    int freeBlocks();

    /**
     * Withdraws the cache; transfers that use it fail.
     *
     * @return completes when no transfer touches its memory any more
     */
    CompletableFuture<Void> deregister();
}
