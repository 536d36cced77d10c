package io.kvwire.harness.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.harness.model.LayerListener;
import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.model.PagedKv;
import io.kvwire.harness.model.Sequence;
import io.kvwire.harness.weights.ModelException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;

/**
 * Runs a Llama on a device that has the kernels of {@code llama.h}, with the arithmetic of the
 * CPU's in the order of the CPU's.
 *
 * <p>The layers of a chunk are enqueued at once; a listener hears of each as its keys and values
 * are written, while the device computes those behind it.
 *
 * @param <B> the device's buffers
 */
public final class DeviceLlama<B> implements LlamaRunner {
    private final LlamaConfig config;
    private final int chunkTokens;
    private final double[] frequencies;
    private final KernelQueue<B> queue;
    private final DeviceWeights<B> weights;
    private final Kernels<B> kernels;
    private final Activations<B> scratch;
    private final PagedAttention<B> attention;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment hostTokens;
    private final MemorySegment hostAngles;
    private final MemorySegment hostLogits;

    /**
     * Brings a model to a device.
     *
     * @param queue of the device; closed with this, and also when this fails
     * @param model what to run
     * @param chunkTokens the most tokens that are computed at a time
     */
    public DeviceLlama(KernelQueue<B> queue, LoadedModel model, int chunkTokens) {
        config = model.config();
        this.queue = queue;
        this.chunkTokens = chunkTokens;
        frequencies = config.rope().frequencies(config.headDim());
        int rows = Math.min(chunkTokens, config.maxPositions());
        hostTokens = arena.allocate(JAVA_INT, rows);
        hostAngles = arena.allocate(JAVA_FLOAT, (long) rows * config.headDim());
        hostLogits = arena.allocate(JAVA_FLOAT, config.vocabSize());
        var opened = new ArrayDeque<Runnable>();
        opened.push(arena::close);
        opened.push(queue::close);
        try {
            kernels = new Kernels<>(queue);
            opened.push(kernels::close);
            scratch = new Activations<>(queue, config, rows);
            opened.push(scratch::close);
            weights = new DeviceWeights<>(queue, config, model.weights());
        } catch (RuntimeException | Error e) {
            opened.forEach(Runnable::run);
            throw e;
        }
        attention = new PagedAttention<>(queue, config, kernels, scratch);
    }

    @Override
    public LlamaConfig config() {
        return config;
    }

    @Override
    public int chunkTokens() {
        return chunkTokens;
    }

    @Override
    public float[] prefill(
            int[] tokens,
            int startPosition,
            int[] blockTable,
            PagedKv cache,
            LayerListener listener) {
        run(tokens, startPosition, blockTable, cache, listener);
        queue.read(scratch.logits, hostLogits);
        queue.finish();
        return hostLogits.toArray(JAVA_FLOAT);
    }

    @Override
    public int next(
            int[] tokens,
            int startPosition,
            int[] blockTable,
            PagedKv cache,
            LayerListener listener) {
        run(tokens, startPosition, blockTable, cache, listener);
        kernels.argmax
                .with(scratch.logits)
                .with(config.vocabSize())
                .with(scratch.best)
                .overGroups(1);
        queue.read(scratch.best, hostTokens.asSlice(0, Integer.BYTES));
        queue.finish();
        int best = hostTokens.get(JAVA_INT, 0);
        if (best < 0) {
            throw new ModelException(
                    "the model's logits are not numbers (NaN): its weights or the KV cache are"
                            + " damaged; check the file and run again");
        }
        return best;
    }

    /** Runs tokens; leaves the logits after the last one on the device. */
    private void run(
            int[] tokens, int startPosition, int[] blockTable, PagedKv cache, LayerListener heard) {
        new Sequence(config, blockTable, cache).check(tokens, startPosition);
        var place = new PagedAttention.Place<>(cache, upload(blockTable));
        int rows = 0;
        for (int first = 0; first < tokens.length; first += rows) {
            rows = Math.min(scratch.rows, tokens.length - first);
            begin(tokens, first, rows, startPosition + first);
            layers(place, startPosition + first, rows, heard);
        }
        norm(scratch.hidden, rows - 1, 1, weights.finalNorm());
        multiply(scratch.normed, config.hiddenSize(), 1, weights.head(), scratch.logits);
    }

    private B upload(int[] blockTable) {
        var table = scratch.table(blockTable.length);
        try (var own = Arena.ofConfined()) {
            queue.write(own.allocateFrom(JAVA_INT, blockTable), table);
            queue.finish();
        }
        return table;
    }

    /** Brings a chunk's tokens and angles to the device and looks up the embedding. */
    private void begin(int[] tokens, int first, int rows, int position) {
        // What the host wrote for the chunk before must have been read.
        queue.finish();
        MemorySegment.copy(tokens, first, hostTokens, JAVA_INT, 0, rows);
        int half = frequencies.length;
        for (int r = 0; r < rows; r++) {
            for (int i = 0; i < half; i++) {
                double angle = (position + r) * frequencies[i];
                // StrictMath, as on the CPU: sines of devices differ.
                hostAngles.setAtIndex(JAVA_FLOAT, 2L * r * half + i, (float) StrictMath.cos(angle));
                hostAngles.setAtIndex(
                        JAVA_FLOAT, (2L * r + 1) * half + i, (float) StrictMath.sin(angle));
            }
        }
        long angleBytes = (long) rows * config.headDim() * Float.BYTES;
        queue.write(hostTokens.asSlice(0, (long) rows * Integer.BYTES), scratch.tokens);
        queue.write(hostAngles.asSlice(0, angleBytes), scratch.angles);
        int columns = config.hiddenSize();
        kernels.embed
                .with(scratch.tokens)
                .with(weights.embedding().buffer())
                .with(weights.embedding().bf16() ? 1 : 0)
                .with(rows)
                .with(columns)
                .with(scratch.hidden)
                .overThreads((long) rows * columns);
    }

    private void layers(
            PagedAttention.Place<B> place, int position, int rows, LayerListener heard) {
        var written = new ArrayDeque<KernelQueue.Mark>();
        try {
            for (int n = 0; n < config.layers(); n++) {
                var layer = weights.layer(n);
                norm(scratch.hidden, 0, rows, layer.attentionNorm());
                multiply(
                        scratch.normed,
                        config.hiddenSize(),
                        rows,
                        layer.queryKeyValue(),
                        scratch.queryKeyValue);
                rotate(rows);
                attention.store(place, n, position, rows);
                if (heard != LayerListener.NONE) {
                    written.add(queue.mark());
                }
                attention.attend(place, n, position, rows);
                multiply(
                        scratch.attended,
                        config.queryDim(),
                        rows,
                        layer.output(),
                        scratch.projected);
                add(rows);
                feedForward(layer, rows);
                // The device begins with what is there while the next layer is put together.
                queue.flush();
            }
            if (heard != LayerListener.NONE) {
                for (int n = 0; n < config.layers(); n++) {
                    try (var done = written.remove()) {
                        done.await();
                    }
                    heard.written(n, position, rows);
                }
            }
        } finally {
            written.forEach(KernelQueue.Mark::close);
        }
    }

    private void feedForward(DeviceWeights.Layer<B> layer, int rows) {
        int inner = config.intermediateSize();
        norm(scratch.hidden, 0, rows, layer.feedForwardNorm());
        multiply(scratch.normed, config.hiddenSize(), rows, layer.gateUp(), scratch.gateUp);
        kernels.gate.with(scratch.gateUp).with(rows).with(inner).overThreads((long) rows * inner);
        multiply(scratch.gateUp, 2 * inner, rows, layer.down(), scratch.projected);
        add(rows);
    }

    private void norm(B x, int firstRow, int rows, B weight) {
        kernels.norm
                .with(x)
                .with(weight)
                .with(firstRow)
                .with(config.hiddenSize())
                .with(config.rmsNormEpsilon())
                .with(scratch.normed)
                .overGroups(rows);
    }

    private void multiply(B x, int stride, int rows, Matrix<B> matrix, B y) {
        (matrix.bf16() ? kernels.multiplyBf16 : kernels.multiplyFp32)
                .with(x)
                .with(stride)
                .with(rows)
                .with(matrix.buffer())
                .with(matrix.rows())
                .with(matrix.columns())
                .with(y)
                .with(matrix.rows())
                .overThreads(kernels.strips(matrix.rows()) * Math.ceilDiv(rows, KernelQueue.ROWS));
    }

    private void rotate(int rows) {
        int heads = config.heads() + config.kvHeads();
        int half = frequencies.length;
        kernels.rotate
                .with(scratch.queryKeyValue)
                .with(scratch.qkvStride())
                .with(scratch.angles)
                .with(rows)
                .with(heads)
                .with(half)
                .overThreads((long) rows * heads * half);
    }

    private void add(int rows) {
        int count = Math.multiplyExact(rows, config.hiddenSize());
        kernels.add.with(scratch.projected).with(count).with(scratch.hidden).overThreads(count);
    }

    @Override
    public void close() {
        queue.finish();
        weights.close();
        scratch.close();
        kernels.close();
        queue.close();
        arena.close();
    }
}
