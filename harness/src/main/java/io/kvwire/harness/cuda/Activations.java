package io.kvwire.harness.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.DeviceBuffer;
import io.kvwire.harness.model.LlamaConfig;

import java.util.ArrayList;
import java.util.List;

/** Scratch memory of the device for the rows of one chunk. Owns it. */
final class Activations implements AutoCloseable {
    /** Scores of attention take no more than this; more rows take turns. */
    private static final long MOST_SCORE_BYTES = 64L << 20;

    private final Context context;
    private final LlamaConfig config;
    private final List<DeviceBuffer> owned = new ArrayList<>();
    final int rows;
    final DeviceBuffer tokens;
    final DeviceBuffer angles;
    final DeviceBuffer hidden;
    final DeviceBuffer normed;
    final DeviceBuffer queryKeyValue;
    final DeviceBuffer attended;
    final DeviceBuffer projected;
    final DeviceBuffer gateUp;
    final DeviceBuffer inverses;
    final DeviceBuffer logits;
    final DeviceBuffer best;
    private DeviceBuffer scores;
    private DeviceBuffer table;

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
        scores = context.allocate(Float.BYTES);
        table = context.allocate(Integer.BYTES);
    }

    private DeviceBuffer floats(long count) {
        var buffer = context.allocate(count * Float.BYTES);
        owned.add(buffer);
        return buffer;
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
    DeviceBuffer scores(int attending, int tokensOfContext, Runnable finish) {
        long bytes = (long) attending * config.heads() * tokensOfContext * Float.BYTES;
        if (scores.bytes() < bytes) {
            finish.run();
            scores.close();
            scores = context.allocate(Long.highestOneBit(bytes) << 1);
        }
        return scores;
    }

    /** {@return room for a block table; the queue is done with the former} */
    DeviceBuffer table(int blocks) {
        long bytes = (long) blocks * Integer.BYTES;
        if (table.bytes() < bytes) {
            table.close();
            table = context.allocate(bytes);
        }
        return table;
    }

    @Override
    public void close() {
        owned.forEach(DeviceBuffer::close);
        scores.close();
        table.close();
    }
}
