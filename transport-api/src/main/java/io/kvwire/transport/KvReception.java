package io.kvwire.transport;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * The receiving end of one request: counts what arrives for it, from one peer or, with tensor
 * parallelism, from several, and publishes a layer when every byte of it is in place.
 *
 * <p>Made by {@link TransferNode#expect} before the block table is given to any sender. If a
 * transfer for the request fails, the reception fails: the caller retires the blocks and asks
 * again. Thread-safe.
 */
public interface KvReception extends AutoCloseable {
    /** {@return the request} */
    long requestId();

    /**
     * {@return completes when every byte of a layer is in place, exceptionally with {@link
     * TransferException} when the reception fails}
     *
     * @param layer from 0
     */
    CompletableFuture<Void> layer(int layer);

    /** {@return completes when all layers are in place, or exceptionally} */
    CompletableFuture<Void> completion();

    /** {@return the payload bytes in place so far} */
    long receivedBytes();

    /** {@return when each layer was complete, as {@link System#nanoTime()}; 0 where it is not} */
    long[] layerNanos();

    /**
     * Starts to record when each frame of the request arrived and was decoded.
     *
     * @return this
     */
    KvReception traced();

    /** {@return what was recorded since {@link #traced}} */
    TransferTrace trace();

    /**
     * Waits until everything is in place.
     *
     * @param timeout how long to wait
     * @throws TransferException when the reception fails or the wait is over first
     */
    void join(Duration timeout);

    /** Stops expecting the request: later frames for it still land if its blocks are current. */
    @Override
    void close();
}
