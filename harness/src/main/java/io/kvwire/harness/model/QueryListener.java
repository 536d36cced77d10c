package io.kvwire.harness.model;

import io.kvwire.harness.math.FloatRows;

/**
 * Sees the queries that attention will use, for measuring what a change of the keys does to the
 * logits. Called on the thread that runs the model, once for each layer of each chunk.
 */
@FunctionalInterface
public interface QueryListener {
    /** Looks at nothing. */
    QueryListener NONE = (layer, firstToken, queries) -> {};

    /**
     * The queries of some tokens, after the rotary embedding and before the division by the root of
     * the head dimension.
     *
     * @param layer the layer
     * @param firstToken position of the first of these tokens
     * @param queries one row for each token, head after head; only until this returns
     */
    void rotated(int layer, int firstToken, FloatRows queries);
}
