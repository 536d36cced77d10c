package io.kvwire.harness.xpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.kernels.LlamaCache;
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
 * Runs a Llama on a device of OpenCL or Level Zero, with the arithmetic of the CPU's in the order
 * of the CPU's.
 *
 * <p>The layers of a chunk are enqueued at once; a listener hears of each as its keys and values
 * are written, while the device computes those behind it.
 */
final class XpuLlama implements LlamaRunner {
    private final LlamaConfig config;
    private final int chunkTokens;
    private final double[] frequencies;
    private final Engine engine;
    private final XpuWeights weights;
    private final Kernels kernels;
    private final Activations scratch;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment hostTokens;
    private final MemorySegment hostAngles;
    private final MemorySegment hostLogits;

    /** A sequence on the device: the cache that it is in, and its block table. */
    private record Place(PagedKv cache, Engine.Memory table) {}

    /** Brings a model to a device; closes the engine, now if that fails. */
    XpuLlama(Engine engine, LoadedModel model, int chunkTokens) {
        this.engine = engine;
        config = model.config();
        this.chunkTokens = chunkTokens;
        frequencies = config.rope().frequencies(config.headDim());
        int rows = Math.min(chunkTokens, config.maxPositions());
        hostTokens = arena.allocate(JAVA_INT, rows);
        hostAngles = arena.allocate(JAVA_FLOAT, (long) rows * config.headDim());
        hostLogits = arena.allocate(JAVA_FLOAT, config.vocabSize());
        var opened = new ArrayDeque<Runnable>();
        opened.push(arena::close);
        opened.push(engine::close);
        try {
            kernels = new Kernels(engine);
            opened.push(kernels::close);
            scratch = new Activations(engine, config, rows);
            opened.push(scratch::close);
            weights = new XpuWeights(engine, config, model.weights());
        } catch (RuntimeException | Error e) {
            opened.forEach(Runnable::run);
            throw e;
        }
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
        engine.read(scratch.logits, hostLogits);
        engine.finish();
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
        engine.read(scratch.best, hostTokens.asSlice(0, Integer.BYTES));
        engine.finish();
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
        var place = new Place(cache, upload(blockTable));
        int rows = 0;
        for (int first = 0; first < tokens.length; first += rows) {
            rows = Math.min(scratch.rows, tokens.length - first);
            begin(tokens, first, rows, startPosition + first);
            layers(place, startPosition + first, rows, heard);
        }
        norm(scratch.hidden, rows - 1, 1, weights.finalNorm());
        multiply(scratch.normed, config.hiddenSize(), 1, weights.head(), scratch.logits);
    }

    private Engine.Memory upload(int[] blockTable) {
        var table = scratch.table(blockTable.length);
        try (var own = Arena.ofConfined()) {
            engine.write(own.allocateFrom(JAVA_INT, blockTable), table);
            engine.finish();
        }
        return table;
    }

    /** Brings a chunk's tokens and angles to the device and looks up the embedding. */
    private void begin(int[] tokens, int first, int rows, int position) {
        // What the host wrote for the chunk before must have been read.
        engine.finish();
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
        engine.write(hostTokens.asSlice(0, (long) rows * Integer.BYTES), scratch.tokens);
        engine.write(hostAngles.asSlice(0, angleBytes), scratch.angles);
        int columns = config.hiddenSize();
        kernels.embed
                .with(scratch.tokens)
                .with(weights.embedding().memory())
                .with(weights.embedding().bf16() ? 1 : 0)
                .with(rows)
                .with(columns)
                .with(scratch.hidden)
                .overThreads((long) rows * columns);
    }

    private void layers(Place place, int position, int rows, LayerListener heard) {
        var written = new ArrayDeque<Engine.Mark>();
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
                written.add(store(place, n, position, rows));
                attend(place, n, position, rows);
                multiply(
                        scratch.attended,
                        config.queryDim(),
                        rows,
                        layer.output(),
                        scratch.projected);
                add(rows);
                feedForward(layer, rows);
                // The device begins with what is there while the next layer is put together.
                engine.flush();
            }
            if (heard != LayerListener.NONE) {
                for (int n = 0; n < config.layers(); n++) {
                    try (var done = written.poll()) {
                        done.await();
                    }
                    heard.written(n, position, rows);
                }
            }
        } finally {
            written.forEach(Engine.Mark::close);
        }
    }

    private void feedForward(XpuWeights.Layer layer, int rows) {
        int inner = config.intermediateSize();
        norm(scratch.hidden, 0, rows, layer.feedForwardNorm());
        multiply(scratch.normed, config.hiddenSize(), rows, layer.gateUp(), scratch.gateUp);
        kernels.gate.with(scratch.gateUp).with(rows).with(inner).overThreads((long) rows * inner);
        multiply(scratch.gateUp, 2 * inner, rows, layer.down(), scratch.projected);
        add(rows);
    }

    private void norm(Engine.Memory x, int firstRow, int rows, Engine.Memory weight) {
        kernels.norm
                .with(x)
                .with(weight)
                .with(firstRow)
                .with(config.hiddenSize())
                .with(config.rmsNormEpsilon())
                .with(scratch.normed)
                .overGroups(rows);
    }

    private void multiply(Engine.Memory x, int stride, int rows, Matrix matrix, Engine.Memory y) {
        (matrix.bf16() ? kernels.multiplyBf16 : kernels.multiplyFp32)
                .with(x)
                .with(stride)
                .with(rows)
                .with(matrix.memory())
                .with(matrix.rows())
                .with(matrix.columns())
                .with(y)
                .with(matrix.rows())
                .overThreads(kernels.strips(matrix.rows()) * Math.ceilDiv(rows, Kernels.ROWS));
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

    /** Stores keys and values; the end is that of both, which follow each other. */
    private Engine.Mark store(Place place, int layer, int position, int rows) {
        var cache = place.cache();
        var keys = find(cache.keys(layer));
        var values = find(cache.values(layer));
        int first = config.queryDim();
        store(first, rows, keys, shape(cache, keys, true), place, position).close();
        return store(
                first + config.kvDim(), rows, values, shape(cache, values, false), place, position);
    }

    private Engine.Mark store(
            int from, int rows, Engine.Place memory, LlamaCache shape, Place place, int position) {
        return kernels.store
                .with(scratch.queryKeyValue)
                .with(scratch.qkvStride())
                .with(from)
                .with(rows)
                .with(shape)
                .with(memory.memory())
                .with(place.table())
                .with(position)
                .launchOverThreads((long) rows * config.kvDim());
    }

    private Engine.Place find(MemorySegment segment) {
        return engine.find(segment);
    }

    private static LlamaCache shape(PagedKv cache, Engine.Place memory, boolean keys) {
        var geometry = cache.geometry();
        var strides = cache.strides();
        return new LlamaCache(
                memory.offset() + (keys ? strides.key() : strides.value()),
                strides.block(),
                strides.token(),
                strides.head(),
                geometry.tokensPerBlock(),
                geometry.kvHeads(),
                geometry.headDim(),
                switch (geometry.type()) {
                    case FP32 -> 0;
                    case FP16 -> 1;
                    case BF16 -> 2;
                });
    }

    private void attend(Place place, int layer, int position, int rows) {
        int context = position + rows;
        int together = scratch.attendingRows(rows, context);
        var scores = scratch.scores(together, context, engine::finish);
        for (int first = 0; first < rows; first += together) {
            attend(place, layer, position, first, Math.min(together, rows - first), scores);
        }
    }

    // Six parameters: what differs between the rows that attend together.
    private void attend(
            Place place, int layer, int position, int first, int rows, Engine.Memory scores) {
        var keys = find(place.cache().keys(layer));
        var values = find(place.cache().values(layer));
        int context = position + first + rows;
        int heads = config.heads();
        long pairs = (long) rows * heads;
        kernels.scores
                .with(scratch.queryKeyValue)
                .with(scratch.qkvStride())
                .with(first)
                .with(rows)
                .with(heads)
                .with(shape(place.cache(), keys, true))
                .with(keys.memory())
                .with(place.table())
                .with(position)
                .with(context)
                .with((float) (1 / Math.sqrt(config.headDim())))
                .with(scores)
                .overThreads(pairs * kernels.strips(context));
        kernels.softmax
                .with(scores)
                .with(first)
                .with(rows)
                .with(heads)
                .with(position)
                .with(context)
                .with(scratch.inverses)
                .overTeams(pairs);
        kernels.weigh
                .with(scores)
                .with(scratch.inverses)
                .with(first)
                .with(rows)
                .with(heads)
                .with(shape(place.cache(), values, false))
                .with(values.memory())
                .with(place.table())
                .with(position)
                .with(context)
                .with(scratch.attended)
                .with(config.queryDim())
                .overThreads(pairs * kernels.strips(config.headDim()));
    }

    private void add(int rows) {
        int count = Math.multiplyExact(rows, config.hiddenSize());
        kernels.add.with(scratch.projected).with(count).with(scratch.hidden).overThreads(count);
    }

    @Override
    public void close() {
        engine.finish();
        weights.close();
        scratch.close();
        kernels.close();
        engine.close();
        arena.close();
    }
}
