package io.kvwire.harness.model;

/**
 * Runs a Llama on one device, over a paged KV cache in that device's memory. {@link Llama} is the
 * one for the CPU, and the one that all others are compared with.
 *
 * <p>Owns what it needs to compute; the cache is the caller's. Closing it does not free the cache.
 *
 * <p><b>Threading:</b> confined to one thread at a time.
 *
 * <p><b>Errors:</b> {@link io.kvwire.harness.weights.ModelException} if tokens, positions, block
 * table or cache do not fit the model or each other; nothing has been written then.
 */
public interface LlamaRunner extends AutoCloseable {
    /** {@return the model's sizes} */
    LlamaConfig config();

    /** {@return prompt tokens that go through all layers together} */
    int chunkTokens();

    /**
     * Runs a prompt, or the next part of one, in chunks; writes its keys and values.
     *
     * @param tokens token ids, at least one
     * @param startPosition position of the first of them: the number of tokens in the cache already
     * @param blockTable the sequence's blocks, in order, for at least all its tokens
     * @param cache in memory of this runner's device
     * @param listener learns of each layer of each chunk once it is written
     * @return the logits after the last token, one per token id
     */
    float[] prefill(
            int[] tokens,
            int startPosition,
            int[] blockTable,
            PagedKv cache,
            LayerListener listener);

    /**
     * Runs tokens as {@link #prefill} does and takes the next one greedily; a device that can do so
     * itself brings back that token alone rather than all logits.
     *
     * @param tokens token ids, at least one
     * @param startPosition position of the first of them
     * @param blockTable the sequence's blocks
     * @param cache in memory of this runner's device
     * @param listener learns of each layer of each chunk once it is written
     * @return the token with the largest logit, the lowest id among equals
     */
    default int next(
            int[] tokens,
            int startPosition,
            int[] blockTable,
            PagedKv cache,
            LayerListener listener) {
        return Llama.greedy(prefill(tokens, startPosition, blockTable, cache, listener));
    }

    /**
     * Runs one token.
     *
     * @param token its id
     * @param position its position: the number of tokens in the cache already
     * @param blockTable the sequence's blocks, with room for this token
     * @param cache in memory of this runner's device
     * @return the logits after it, one per token id
     */
    default float[] decode(int token, int position, int[] blockTable, PagedKv cache) {
        return prefill(new int[] {token}, position, blockTable, cache, LayerListener.NONE);
    }

    /** Gives back threads and memory of the device. */
    @Override
    void close();
}
