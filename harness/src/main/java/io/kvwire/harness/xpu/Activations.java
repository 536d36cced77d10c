package io.kvwire.harness.xpu;

import io.kvwire.ffi.opencl.Buffer;
import io.kvwire.ffi.opencl.Context;
import io.kvwire.harness.model.LlamaConfig;

import java.util.ArrayList;
import java.util.List;

/** Scratch memory of the device for the rows of one chunk. Owns it. */
final class Activations implements AutoCloseable {
    /** Scores of attention take no more than this; more rows take turns. */
    private static final long MOST_SCORE_BYTES = 64L << 20;

    private final Context context;
    private final LlamaConfig config;
    private final List<Buffer> owned = new ArrayList<>();
    final int rows;
    final Buffer tokens;
    final Buffer angles;
    final Buffer hidden;
    final Buffer normed;
    final Buffer queryKeyValue;
    final Buffer attended;
    final Buffer projected;
    final Buffer gateUp;
    final Buffer inverses;
    final Buffer logits;
    final Buffer best;
    private Buffer scores;
    private Buffer table;

    Activations(Context context, LlamaConfig config, int rows) {
        this.context = context;
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
        scores = context.buffer(Float.BYTES);
        table = context.buffer(Integer.BYTES);
    }

    private Buffer floats(long count) {
        try {
            var buffer = context.buffer(count * Float.BYTES);
            owned.add(buffer);
            return buffer;
        } catch (RuntimeException | Error e) {
            owned.forEach(Buffer::close);
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

    /** {@return room for the scores of so many rows; the queue must be done with the former} */
    Buffer scores(int attending, int tokensOfContext, Runnable finish) {
        long bytes = (long) attending * config.heads() * tokensOfContext * Float.BYTES;
        if (scores.bytes() < bytes) {
            finish.run();
            scores.close();
            scores = context.buffer(Long.highestOneBit(bytes) << 1);
        }
        return scores;
    }

    /** {@return room for a block table; the queue is done with the former} */
    Buffer table(int blocks) {
        long bytes = (long) blocks * Integer.BYTES;
        if (table.bytes() < bytes) {
            table.close();
            table = context.buffer(bytes);
        }
        return table;
    }

    @Override
    public void close() {
        owned.forEach(Buffer::close);
        scores.close();
        table.close();
    }
}
