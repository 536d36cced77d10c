package io.kvwire.harness.xpu;

import io.kvwire.harness.model.LlamaConfig;

import java.util.ArrayList;
import java.util.List;

/** Scratch memory of the device for the rows of one chunk. Owns it. */
final class Activations implements AutoCloseable {
    /** Scores of attention take no more than this; more rows take turns. */
    private static final long MOST_SCORE_BYTES = 64L << 20;

    private final Engine engine;
    private final LlamaConfig config;
    private final List<Engine.Memory> owned = new ArrayList<>();
    final int rows;
    final Engine.Memory tokens;
    final Engine.Memory angles;
    final Engine.Memory hidden;
    final Engine.Memory normed;
    final Engine.Memory queryKeyValue;
    final Engine.Memory attended;
    final Engine.Memory projected;
    final Engine.Memory gateUp;
    final Engine.Memory inverses;
    final Engine.Memory logits;
    final Engine.Memory best;
    private Engine.Memory scores;
    private Engine.Memory table;

    Activations(Engine engine, LlamaConfig config, int rows) {
        this.engine = engine;
        this.config = config;
        this.rows = rows;
        tokens = floats(rows);
        angles = floats((long) rows * config.headDim());
        hidden = floats((long) rows * config.hiddenSize());
        normed = floats((long) rows * config.hiddenSize());
        queryKeyValue = floats((long) rows * qkvStride());
        attended = floats((long) rows * config.queryDim());
        projected = floats((long) rows * config.hiddenSize());
        gateUp = floats(2L * rows * config.intermediateSize());
        inverses = floats((long) rows * config.heads());
        logits = floats(config.vocabSize());
        best = floats(1);
        scores = engine.memory(Float.BYTES);
        table = engine.memory(Integer.BYTES);
    }

    private Engine.Memory floats(long count) {
        try {
            var buffer = engine.memory(count * Float.BYTES);
            owned.add(buffer);
            return buffer;
        } catch (RuntimeException | Error e) {
            owned.forEach(Engine.Memory::close);
            throw e;
        }
    }

    int qkvStride() {
        return config.queryDim() + 2 * config.kvDim();
    }

    /** {@return how many rows attend together, for a context of so many tokens} */
    int attendingRows(int of, int context) {
        long bytes = (long) config.heads() * context * Float.BYTES;
        return Math.clamp(MOST_SCORE_BYTES / bytes, 1, of);
    }

    /** {@return room for the scores of so many rows; the engine must be done with the former} */
    Engine.Memory scores(int attending, int tokensOfContext, Runnable finish) {
        long bytes = (long) attending * config.heads() * tokensOfContext * Float.BYTES;
        if (scores.bytes() < bytes) {
            finish.run();
            scores.close();
            scores = engine.memory(Long.highestOneBit(bytes) << 1);
        }
        return scores;
    }

    /** {@return room for a block table; the engine is done with the former} */
    Engine.Memory table(int blocks) {
        long bytes = (long) blocks * Integer.BYTES;
        if (table.bytes() < bytes) {
            table.close();
            table = engine.memory(bytes);
        }
        return table;
    }

    @Override
    public void close() {
        owned.forEach(Engine.Memory::close);
        scores.close();
        table.close();
    }
}
