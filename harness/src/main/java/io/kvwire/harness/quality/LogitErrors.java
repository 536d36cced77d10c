package io.kvwire.harness.quality;

import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.PagedKv;

import java.util.List;

/** Finds how far attention logits move when the keys of one cache are replaced by another's. */
final class LogitErrors {
    private final LlamaConfig config;
    private final PagedKv untouched;
    private final PagedKv arrived;
    private final int[] blocks;
    private final float[] key;
    private final float[] other;

    LogitErrors(LlamaConfig config, PagedKv untouched, PagedKv arrived, int... blocks) {
        this.config = config;
        this.untouched = untouched;
        this.arrived = arrived;
        this.blocks = blocks;
        key = new float[config.headDim()];
        other = new float[config.headDim()];
    }

    void add(List<Continuation.LayerQuery> queries, int tokens, Comparison result) {
        for (int layer = 0; layer < config.layers(); layer++) {
            int of = layer;
            var here = queries.stream().filter(query -> query.layer() == of).toList();
            for (int head = 0; head < config.kvHeads(); head++) {
                for (int token = 0; token < tokens; token++) {
                    readDifference(layer, head, token);
                    for (var query : here) {
                        add(query.heads(), head, result);
                    }
                }
            }
        }
    }

    private void readDifference(int layer, int head, int token) {
        read(untouched, layer, head, token, key);
        read(arrived, layer, head, token, other);
        for (int i = 0; i < key.length; i++) {
            key[i] = other[i] - key[i];
        }
    }

    private void read(PagedKv cache, int layer, int head, int token, float[] row) {
        int perBlock = cache.geometry().tokensPerBlock();
        long at = cache.keyOffset(blocks[token / perBlock], token % perBlock, head);
        cache.geometry().type().load(cache.keys(layer), at, row, 0, row.length);
    }

    private void add(float[] heads, int kvHead, Comparison result) {
        int group = config.headsPerKvHead();
        for (int head = kvHead * group; head < (kvHead + 1) * group; head++) {
            double sum = 0;
            for (int i = 0; i < key.length; i++) {
                sum += heads[head * key.length + i] * key[i];
            }
            result.logit(sum / Math.sqrt(key.length));
        }
    }
}
