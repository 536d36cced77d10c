package io.kvwire.harness.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.DeviceBuffer;
import io.kvwire.ffi.cuda.Event;
import io.kvwire.ffi.cuda.Stream;
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
 * Runs a Llama on a GPU, with the arithmetic of the CPU's in the order of the CPU's.
 *
 * <p>The layers of a chunk are enqueued at once; a listener hears of each as its keys and values
 * are written, while the device computes those behind it.
 */
final class CudaLlama implements LlamaRunner {
    private final LlamaConfig config;
    private final int chunkTokens;
    private final double[] frequencies;
    private final Context context;
    private final Stream stream;
    private final ArrayDeque<Event> spare = new ArrayDeque<>();
    private final CudaWeights weights;
    private final Kernels kernels;
    private final Activations scratch;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment hostTokens;
    private final MemorySegment hostAngles;
    private final MemorySegment hostLogits;

    /** A sequence on the device: the cache that it is in, and its block table. */
    private record Place(PagedKv cache, DeviceBuffer table) {}

    CudaLlama(Context context, LoadedModel model, int chunkTokens) {
        config = model.config();
        this.context = context;
        this.chunkTokens = chunkTokens;
        frequencies = config.rope().frequencies(config.headDim());
        int rows = Math.min(chunkTokens, config.maxPositions());
        hostTokens = arena.allocate(JAVA_INT, rows);
        hostAngles = arena.allocate(JAVA_FLOAT, (long) rows * config.headDim());
        hostLogits = arena.allocate(JAVA_FLOAT, config.vocabSize());
        stream = context.stream();
        try {
            kernels = new Kernels(context, stream);
            scratch = new Activations(context, config, rows);
            weights = new CudaWeights(stream, config, model.weights());
        } catch (RuntimeException | Error e) {
            stream.close();
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
        stream.copyToHost(scratch.logits.address(), hostLogits);
        stream.synchronize();
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
        stream.copyToHost(scratch.best.address(), hostTokens.asSlice(0, Integer.BYTES));
        stream.synchronize();
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

    private DeviceBuffer upload(int[] blockTable) {
        var table = scratch.table(blockTable.length);
        try (var own = Arena.ofConfined()) {
            stream.copyToDevice(own.allocateFrom(JAVA_INT, blockTable), table.address());
            stream.synchronize();
        }
        return table;
    }

    /** Brings a chunk's tokens and angles to the device and looks up the embedding. */
    private void begin(int[] tokens, int first, int rows, int position) {
        // What the host wrote for the chunk before must have been read.
        stream.synchronize();
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
        stream.copyToDevice(
                hostTokens.asSlice(0, (long) rows * Integer.BYTES), scratch.tokens.address());
        stream.copyToDevice(hostAngles.asSlice(0, angleBytes), scratch.angles.address());
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

    private void layers(Place place, int position, int rows, LayerListener heard) {
        var written = new ArrayDeque<Event>();
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
                store(place, n, position, rows);
                if (heard != LayerListener.NONE) {
                    written.add(mark());
                }
                attend(place, n, position, rows);
                multiply(
                        scratch.attended,
                        config.queryDim(),
                        rows,
                        layer.output(),
                        scratch.projected);
                add(rows);
                feedForward(layer, rows);
            }
            if (heard != LayerListener.NONE) {
                for (int n = 0; n < config.layers(); n++) {
                    var done = written.remove();
                    spare.push(done);
                    done.await();
                    heard.written(n, position, rows);
                }
            }
        } finally {
            spare.addAll(written);
        }
    }

    private void feedForward(CudaWeights.Layer layer, int rows) {
        int inner = config.intermediateSize();
        norm(scratch.hidden, 0, rows, layer.feedForwardNorm());
        multiply(scratch.normed, config.hiddenSize(), rows, layer.gateUp(), scratch.gateUp);
        kernels.gate.with(scratch.gateUp).with(rows).with(inner).overThreads((long) rows * inner);
        multiply(scratch.gateUp, 2 * inner, rows, layer.down(), scratch.projected);
        add(rows);
    }

    private void norm(DeviceBuffer x, int firstRow, int rows, DeviceBuffer weight) {
        kernels.norm
                .with(x)
                .with(weight)
                .with(firstRow)
                .with(config.hiddenSize())
                .with(config.rmsNormEpsilon())
                .with(scratch.normed)
                .overGroups(rows);
    }

    private void multiply(DeviceBuffer x, int stride, int rows, Matrix matrix, DeviceBuffer y) {
        (matrix.bf16() ? kernels.multiplyBf16 : kernels.multiplyFp32)
                .with(x)
                .with(stride)
                .with(rows)
                .with(matrix.buffer())
                .with(matrix.rows())
                .with(matrix.columns())
                .with(y)
                .with(matrix.rows())
                .overThreads((long) matrix.rows() * Math.ceilDiv(rows, Kernels.ROWS));
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

    /** An event behind what the stream was given so far. */
    private Event mark() {
        var event = spare.isEmpty() ? context.event() : spare.pop();
        stream.record(event);
        return event;
    }

    private void store(Place place, int layer, int position, int rows) {
        int first = config.queryDim();
        store(first, rows, place, layer, true, position);
        store(first + config.kvDim(), rows, place, layer, false, position);
    }

    // Six parameters: keys and values differ in two of them.
    private void store(int from, int rows, Place place, int layer, boolean keys, int position) {
        kernels.store
                .with(scratch.queryKeyValue)
                .with(scratch.qkvStride())
                .with(from)
                .with(rows)
                .with(shape(place.cache(), keys))
                .with(address(place.cache(), layer, keys))
                .with(place.table())
                .with(position)
                .overThreads((long) rows * config.kvDim());
    }

    private static long address(PagedKv cache, int layer, boolean keys) {
        return (keys ? cache.keys(layer) : cache.values(layer)).address();
    }

    private static LlamaCache shape(PagedKv cache, boolean keys) {
        var geometry = cache.geometry();
        var strides = cache.strides();
        return new LlamaCache(
                keys ? strides.key() : strides.value(),
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
        var scores = scratch.scores(together, context, stream::synchronize);
        for (int first = 0; first < rows; first += together) {
            attend(place, layer, position, first, Math.min(together, rows - first), scores);
        }
    }

    // Six parameters: what differs between the rows that attend together.
    private void attend(
            Place place, int layer, int position, int first, int rows, DeviceBuffer scores) {
        int context = position + first + rows;
        int heads = config.heads();
        long pairs = (long) rows * heads;
        kernels.scores
                .with(scratch.queryKeyValue)
                .with(scratch.qkvStride())
                .with(first)
                .with(rows)
                .with(heads)
                .with(shape(place.cache(), true))
                .with(address(place.cache(), layer, true))
                .with(place.table())
                .with(position)
                .with(context)
                .with((float) (1 / Math.sqrt(config.headDim())))
                .with(scores)
                .overThreads(pairs * context);
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
                .with(shape(place.cache(), false))
                .with(address(place.cache(), layer, false))
                .with(place.table())
                .with(position)
                .with(context)
                .with(scratch.attended)
                .with(config.queryDim())
                .overThreads(pairs * config.headDim());
    }

    private void add(int rows) {
        int count = Math.multiplyExact(rows, config.hiddenSize());
        kernels.add.with(scratch.projected).with(count).with(scratch.hidden).overThreads(count);
    }

    @Override
    public void close() {
        stream.synchronize();
        weights.close();
        scratch.close();
        kernels.close();
        spare.forEach(Event::close);
        stream.close();
        arena.close();
    }
}
