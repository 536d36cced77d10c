package io.kvwire.harness.quality;

import io.kvwire.harness.math.FloatRows;
import io.kvwire.harness.model.LayerListener;
import io.kvwire.harness.model.Llama;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.QueryListener;
import io.kvwire.harness.split.CacheMemory;
import io.kvwire.harness.split.CacheShape;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * One text, of which the first half was prefilled and the second is scored, once from the untouched
 * cache and then from any copy of it. Owns the cache and holds the logits and some queries of the
 * untouched run. Confined to one thread.
 */
final class Continuation implements AutoCloseable {
    /** Of so many tokens, the queries of one are kept. */
    private static final int QUERY_STEP = 16;

    private final LlamaConfig config;
    private final CacheMemory memory;
    private final int[] blocks;
    private final int[] tail;
    private final int prefix;
    private final List<LayerQuery> queries = new ArrayList<>();
    private final float[][] logits;

    /** The queries of all heads of one token. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record LayerQuery(int layer, float[] heads) {}

    Continuation(Llama llama, CacheShape shape, int... text) {
        config = llama.config();
        memory = CacheMemory.allocate(config, shape, text.length);
        blocks = IntStream.range(0, memory.blocks()).toArray();
        prefix = text.length / 2;
        tail = Arrays.copyOfRange(text, prefix, text.length);
        llama.prefill(Arrays.copyOf(text, prefix), 0, blocks, memory.paged(), LayerListener.NONE);
        llama.showQueries(this::keep);
        try {
            logits = llama.score(tail, prefix, blocks, memory.paged());
        } finally {
            llama.showQueries(QueryListener.NONE);
        }
    }

    private void keep(int layer, int first, FloatRows rows) {
        for (int r = 0; r < rows.count(); r += QUERY_STEP) {
            int at = rows.at(r);
            var heads = Arrays.copyOfRange(rows.data(), at, at + config.queryDim());
            queries.add(new LayerQuery(layer, heads));
        }
    }

    /** Sends the first half through a codec, decodes the second from what arrives, and compares. */
    void compare(Llama llama, CacheShape shape, FrameCopy copy, Comparison result) {
        try (var arrived = CacheMemory.allocate(config, shape, prefix + tail.length)) {
            copy.copy(memory, arrived, blocks, prefix);
            new LogitErrors(config, memory.paged(), arrived.paged(), blocks)
                    .add(queries, prefix, result);
            var others = llama.score(tail, prefix, blocks, arrived.paged());
            for (int i = 0; i + 1 < tail.length; i++) {
                result.token(logits[i], others[i], tail[i + 1]);
            }
        }
    }

    @Override
    public void close() {
        memory.close();
    }
}
