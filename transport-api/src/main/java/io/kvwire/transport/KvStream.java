package io.kvwire.transport;

import java.util.Optional;

/**
 * A push of one request's blocks, layer by layer, while prefill still computes. The expected bytes
 * are known from the start, so the receiver publishes a layer when all of it is in place and the
 * request when all layers are.
 *
 * <p>{@link #ready} is called by the thread that computes: it hands the layer over and returns; it
 * never waits for the network. Any order of layers and chunks is right as long as each token of
 * each layer is handed over once. A stream that is closed before everything was handed over is
 * cancelled. Thread-safe.
 *
 * {@snippet :
 * try (var stream = peer.stream(blocks, TransferOptions.DEFAULT)) {
 *     model.prefill(tokens, (layer, first, count) -> stream.ready(layer, first, count));
 *     stream.transfer().join(Duration.ofSeconds(30));
 * }
 * }
 */
public interface KvStream extends AutoCloseable {
    /**
     * Hands over tokens of one layer whose K and V are final.
     *
     * @param layer from 0
     * @param firstToken first token, in the request
     * @param tokens how many
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when this is not part of the
     *     stream or was handed over before
     */
    void ready(int layer, int firstToken, int tokens);

    /** {@return the transfer that ends when everything handed over is in place} */
    Transfer transfer();

    /** {@return how layers are handed to the wire, and why; empty before the transfer has begun} */
    Optional<PaceDecision> pace();

    /** Cancels the stream unless everything was handed over. */
    @Override
    void close();
}
