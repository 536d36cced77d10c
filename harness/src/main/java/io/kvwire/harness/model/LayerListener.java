package io.kvwire.harness.model;

/**
 * Learns during a prefill which keys and values are final: the hook that layer-wise streaming hangs
 * on. Called on the thread that runs the prefill, which waits for it: hand the work over, do not do
 * it here. What it throws ends the prefill.
 */
@FunctionalInterface
public interface LayerListener {
    /** Does nothing. */
    LayerListener NONE = (layer, firstToken, tokenCount) -> {};

    /**
     * The keys and values of some tokens are in the cache and will not change.
     *
     * <p>For each chunk of the prompt, in order, this comes once per layer, in order, and before
     * the attention of that layer.
     *
     * @param layer the layer
     * @param firstToken position in the sequence of the first of these tokens
     * @param tokenCount how many
     */
    void written(int layer, int firstToken, int tokenCount);
}
