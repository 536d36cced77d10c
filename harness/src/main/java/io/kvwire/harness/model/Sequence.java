package io.kvwire.harness.model;

import io.kvwire.harness.weights.ModelException;

import java.util.Objects;

/**
 * One sequence in a cache: its block table, checked against the model and the cache before anything
 * is read or written: for whatever runs the model.
 */
public final class Sequence {
    private final LlamaConfig config;
    private final int[] blockTable;
    private final PagedKv cache;

    /**
     * Takes a sequence.
     *
     * @param config the model's sizes
     * @param blockTable the sequence's blocks, not copied
     * @param cache that they are in
     * @throws ModelException if the cache is not one for the model
     */
    public Sequence(LlamaConfig config, int[] blockTable, PagedKv cache) {
        this.config = config;
        this.blockTable = Objects.requireNonNull(blockTable, "blockTable");
        this.cache = Objects.requireNonNull(cache, "cache");
        var geometry = cache.geometry();
        if (geometry.layers() != config.layers()
                || geometry.kvHeads() != config.kvHeads()
                || geometry.headDim() != config.headDim()) {
            throw new ModelException(
                    "the cache has "
                            + geometry.layers()
                            + " layers of "
                            + geometry.kvHeads()
                            + " heads of "
                            + geometry.headDim()
                            + " elements, the model "
                            + config.layers()
                            + " of "
                            + config.kvHeads()
                            + " of "
                            + config.headDim()
                            + "; make it with LlamaConfig.kvGeometry");
        }
    }

    PagedKv cache() {
        return cache;
    }

    int[] blockTable() {
        return blockTable;
    }

    /**
     * Checks that tokens can be run.
     *
     * @param tokens their ids
     * @param startPosition position of the first of them
     * @throws ModelException if there are none, one is not in the vocabulary, or they do not fit
     *     the model's positions or the block table
     */
    public void check(int[] tokens, int startPosition) {
        if (tokens.length == 0) {
            throw new ModelException("no tokens to run; give at least one");
        }
        long end = (long) startPosition + tokens.length;
        if (startPosition < 0 || end > config.maxPositions()) {
            throw new ModelException(
                    "tokens at positions "
                            + startPosition
                            + " to "
                            + (end - 1)
                            + " exceed the model's "
                            + config.maxPositions()
                            + " positions; shorten the prompt or generate fewer tokens");
        }
        for (int token : tokens) {
            if (token < 0 || token >= config.vocabSize()) {
                throw new ModelException(
                        "token id "
                                + token
                                + " is outside the vocabulary of "
                                + config.vocabSize()
                                + "; use the tokenizer that belongs to the model");
            }
        }
        checkBlocks((int) end);
    }

    private void checkBlocks(int end) {
        var geometry = cache.geometry();
        int needed = geometry.blocksFor(end);
        if (blockTable.length < needed) {
            throw new ModelException(
                    "a sequence of "
                            + end
                            + " tokens needs "
                            + needed
                            + " blocks of "
                            + geometry.tokensPerBlock()
                            + " tokens, but its block table has "
                            + blockTable.length
                            + "; allocate more blocks");
        }
        for (int i = 0; i < needed; i++) {
            if (blockTable[i] < 0 || blockTable[i] >= geometry.blocks()) {
                throw new ModelException(
                        "entry "
                                + i
                                + " of the block table is "
                                + blockTable[i]
                                + ", but the cache has blocks 0 to "
                                + (geometry.blocks() - 1));
            }
        }
    }

    /**
     * Writes one token's keys and values of all heads; the values follow the keys in {@code row}.
     */
    void store(int layer, int position, float[] row, int keysAt) {
        var geometry = cache.geometry();
        int headDim = geometry.headDim();
        int block = blockTable[position / geometry.tokensPerBlock()];
        int token = position % geometry.tokensPerBlock();
        int valuesAt = keysAt + config.kvDim();
        for (int head = 0; head < geometry.kvHeads(); head++) {
            int at = head * headDim;
            geometry.type()
                    .store(
                            row,
                            keysAt + at,
                            cache.keys(layer),
                            cache.keyOffset(block, token, head),
                            headDim);
            geometry.type()
                    .store(
                            row,
                            valuesAt + at,
                            cache.values(layer),
                            cache.valueOffset(block, token, head),
                            headDim);
        }
    }
}
