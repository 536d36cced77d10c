package io.kvwire.transport;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;

/**
 * Blocks of a peer on the same host, read where they lie: nothing is copied. Made by {@link
 * Peer#view} under a {@link Lease} of the owner, which is renewed for as long as the view is open.
 *
 * <p>The owner can take its blocks back at any time, and does not wait for whoever reads them: the
 * lease ends, or the connection does. So what was read counts only when {@link #valid()} says so
 * <em>afterwards</em>, as with a sequence lock:
 *
 * {@snippet :
 * var keys = view.key(layer, position);
 * attend(query, keys);
 * if (!view.valid()) {
 *     throw new IllegalStateException("prefill has taken its blocks back"); // drop the result
 * }
 * }
 *
 * <p>Thread-safe.
 */
public interface KvView extends AutoCloseable {
    /** {@return the peer's cache, whose layout the bytes have} */
    RemoteCache cache();

    /** {@return the blocks that are shown, in order of tokens} */
    BlockTable blocks();

    /**
     * {@return the K of one block, or its latent: {@link KvLayout#partBytes()} bytes, read-only, in
     * the order of the owner's layout}
     *
     * @param layer from 0
     * @param position in {@link #blocks()}, from 0
     * @throws IndexOutOfBoundsException when there is no such layer or block
     */
    MemorySegment key(int layer, int position);

    /**
     * {@return the V of one block: as {@link #key}}
     *
     * @param layer from 0
     * @param position in {@link #blocks()}, from 0
     * @throws IndexOutOfBoundsException when there is no such layer or block
     * @throws UnsupportedOperationException when the cache holds latents, which have no V
     */
    MemorySegment value(int layer, int position);

    /**
     * {@return whether all that was read from this view before the call are the blocks as they were
     * leased}
     *
     * <p>Costs a read of shared memory. Exact even when this process was stopped while the owner
     * gave the blocks to another request.
     */
    boolean valid();

    /**
     * {@return completes when the view is not valid any more, with the reason: {@link
     * ErrorCode#LEASE_EXPIRED}, {@link ErrorCode#PEER_LOST}, or {@link ErrorCode#CLOSED} when it
     * was closed here. Lags behind {@link #valid()}}
     */
    CompletableFuture<TransferException> ended();

    /**
     * Gives the blocks back to the peer; the lease is not renewed any more, nor released. The
     * segments cannot be accessed from now on. A view that has ended is still to be closed: until
     * then its memory stays mapped. Harmless when repeated.
     *
     * @throws IllegalStateException when a native call uses one of the segments: the view is open
     *     as before
     */
    @Override
    void close();
}
