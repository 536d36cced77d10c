package io.kvwire.harness.kernels;

import io.kvwire.harness.model.LlamaConfig;

import java.util.ArrayList;
import java.util.List;

/** Scratch memory of the device for the rows of one chunk. Owns it. */
final class Activations<B> implements AutoCloseable {
    /** Scores of attention take no more than this; more rows take turns. */
    private static final long MOST_SCORE_BYTES = 64L << 20;

    private final KernelQueue<B> queue;
    private final LlamaConfig config;
    private final List<B> owned = new ArrayList<>();
    final int rows;
    final B tokens;
    final B angles;
    final B hidden;
    final B normed;
    final B queryKeyValue;
    final B attended;
    final B projected;
    final B gateUp;
    final B inverses;
    final B logits;
    final B best;
    private final Room scores;
    private final Room table;

    /** Memory that grows; until the larger is there, the former stays. */
    private final class Room {
        private B buffer;
        private long bytes;

        Room(long bytes) {
            buffer = allocate(bytes);
            this.bytes = bytes;
        }

        B grown(long wanted) {
            if (bytes < wanted) {
                var larger = allocate(wanted);
                owned.remove(buffer);
                queue.free(buffer);
                buffer = larger;
                bytes = wanted;
            }
            return buffer;
        }
    }

    Activations(KernelQueue<B> queue, LlamaConfig config, int rows) {
        this.queue = queue;
        this.config = config;
        this.rows = rows;
        try {
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
            scores = new Room(Float.BYTES);
            table = new Room(Integer.BYTES);
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private B floats(long count) {
        return allocate(count * Float.BYTES);
    }

    private B allocate(long bytes) {
        var buffer = queue.allocate(bytes);
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

    /** {@return room for the scores of so many rows} */
    B scores(int attending, int tokensOfContext) {
        long bytes = (long) attending * config.heads() * tokensOfContext * Float.BYTES;
        if (scores.bytes < bytes) {
            // The queue may still work with the former.
            queue.finish();
            return scores.grown(Long.highestOneBit(bytes) << 1);
        }
        return scores.buffer;
    }

    /** {@return room for a block table; the queue is done with the former} */
    B table(int blocks) {
        return table.grown((long) blocks * Integer.BYTES);
    }

    @Override
    public void close() {
        owned.forEach(queue::free);
        owned.clear();
    }
}
