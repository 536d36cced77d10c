package io.kvwire.harness.model;

import io.kvwire.harness.math.ElementType;
import io.kvwire.harness.math.FloatRows;
import io.kvwire.harness.math.Kernels;
import io.kvwire.harness.math.PackedMatrix;
import io.kvwire.harness.math.Panels;
import io.kvwire.harness.math.Workers;
import io.kvwire.harness.weights.ModelException;
import io.kvwire.transport.KvOrder;

import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Objects;

/**
 * Runs a Llama over a paged KV cache that the caller owns: prefill of a prompt, decode of one token
 * after another.
 *
 * <p>Owns its worker threads and scratch memory; weights may be shared. The logits depend on
 * tokens, weights and the cache's element type alone: not on chunk size, threads, kernels, block
 * size or the cache's arrangement (see {@link Kernels}).
 *
 * <p><b>Threading:</b> confined to one thread at a time. Use one {@code Llama} per thread over the
 * same {@link LlamaWeights}.
 *
 * <p><b>Errors:</b> {@link ModelException} if tokens, positions, block table or cache do not fit
 * the model or each other; nothing has been written then.
 *
 * <pre>{@code
 * float[] logits = llama.prefill(prompt, 0, blockTable, cache, LayerListener.NONE);
 * int next = Llama.greedy(logits);
 * logits = llama.decode(next, prompt.length, blockTable, cache);
 * }</pre>
 */
public final class Llama implements LlamaRunner {
    private static final int WARM_UP_TOKENS = 32;
    private static final int WARM_UP_ROUNDS = 24;

    private final LlamaConfig config;
    private final LlamaWeights weights;
    private final LlamaOptions options;
    private final Kernels kernels;
    private final Workers workers;
    private final Attention attention;
    private final double[] frequencies;
    private final int normStride;
    private QueryListener queryListener = QueryListener.NONE;
    private Buffers buffers;

    /** Activations of up to {@code rows} tokens. Rows are padded to whole panels. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    private record Buffers(
            int rows,
            FloatRows hidden,
            FloatRows normed,
            FloatRows queryKeyValue,
            FloatRows attended,
            FloatRows projected,
            FloatRows gateUp,
            float[] angles) {}

    private Llama(LlamaConfig config, LlamaWeights weights, LlamaOptions options) {
        this.config = config;
        this.weights = weights;
        this.options = options;
        kernels = options.kernels();
        workers = new Workers(options.threads());
        attention = new Attention(config, kernels, workers);
        frequencies = config.rope().frequencies(config.headDim());
        normStride = Panels.padded(config.hiddenSize());
        buffers = allocate(1);
    }

    /**
     * Prepares to run a model.
     *
     * @param config its sizes
     * @param weights its weights
     * @param options how to run it
     * @return the model; close it to end its threads
     */
    public static Llama create(LlamaConfig config, LlamaWeights weights, LlamaOptions options) {
        Objects.requireNonNull(config, "config");
        Objects.requireNonNull(weights, "weights");
        Objects.requireNonNull(options, "options");
        return new Llama(config, weights, options);
    }

    @Override
    public LlamaConfig config() {
        return config;
    }

    @Override
    public int chunkTokens() {
        return options.chunkTokens();
    }

    /** {@return how the model is run} */
    public LlamaOptions options() {
        return options;
    }

    /**
     * Shows the queries of everything that is run from now on, for measurements.
     *
     * @param listener sees them; {@link QueryListener#NONE} for nobody
     */
    public void showQueries(QueryListener listener) {
        queryListener = Objects.requireNonNull(listener, "listener");
    }

    @Override
    public float[] prefill(
            int[] tokens,
            int startPosition,
            int[] blockTable,
            PagedKv cache,
            LayerListener listener) {
        var sequence = new Sequence(config, blockTable, cache);
        sequence.check(tokens, startPosition);
        int rows = 0;
        for (int first = 0; first < tokens.length; first += rows) {
            rows = Math.min(options.chunkTokens(), tokens.length - first);
            embed(tokens, first, rows);
            forward(sequence, startPosition + first, rows, listener);
        }
        return logits(rows - 1, rows)[0];
    }

    /**
     * Runs a prompt and returns the logits at every position, for scoring a text.
     *
     * @param tokens token ids, at least one
     * @param startPosition position of the first of them
     * @param blockTable the sequence's blocks
     * @param cache where keys and values go
     * @return for each token, the logits after it; takes {@code tokens * vocabSize} floats
     * @throws ModelException if an argument does not fit
     */
    public float[][] score(int[] tokens, int startPosition, int[] blockTable, PagedKv cache) {
        var sequence = new Sequence(config, blockTable, cache);
        sequence.check(tokens, startPosition);
        var all = new float[tokens.length][];
        int rows = 0;
        for (int first = 0; first < tokens.length; first += rows) {
            rows = Math.min(options.chunkTokens(), tokens.length - first);
            embed(tokens, first, rows);
            forward(sequence, startPosition + first, rows, LayerListener.NONE);
            System.arraycopy(logits(0, rows), 0, all, first, rows);
        }
        return all;
    }

    /**
     * {@return the token that greedy decoding takes: the one with the largest logit, the lowest id
     * among equals}
     *
     * @param logits one per token id
     * @throws ModelException if a logit is NaN: the weights or the cache are damaged
     */
    public static int greedy(float[] logits) {
        int token = Kernels.argmax(logits);
        if (token < 0) {
            throw new ModelException(
                    "the model's logits are not numbers (NaN): its weights or the"
                            + " KV cache are damaged; check the file and run again");
        }
        return token;
    }

    /**
     * Runs short prompts over a cache of its own until the loops are compiled, about a second on
     * two cores, so that the time of a prefill measured afterwards is that of a running service.
     *
     * @param type element type of the caches that will be used
     */
    public void warmUp(ElementType type) {
        int length = Math.min(WARM_UP_TOKENS, config.maxPositions() - 1);
        if (length < 1) {
            return;
        }
        try (var arena = Arena.ofShared()) {
            var geometry = config.kvGeometry(1, length + 1, type);
            var cache = PagedKv.allocate(arena, geometry, KvOrder.NHD, KvPacking.SPLIT);
            int[] blockTable = {0};
            for (int round = 0; round < WARM_UP_ROUNDS; round++) {
                // First short ones: until compiled, a vector operation takes a microsecond.
                int[] tokens = new int[round < WARM_UP_ROUNDS / 2 ? Math.min(8, length) : length];
                prefill(tokens, 0, blockTable, cache, LayerListener.NONE);
                decode(0, tokens.length, blockTable, cache);
            }
        }
    }

    private void embed(int[] tokens, int first, int rows) {
        if (rows > buffers.rows()) {
            buffers = allocate(rows);
        }
        for (int r = 0; r < rows; r++) {
            weights.embedding()
                    .copyRow(tokens[first + r], buffers.hidden().data(), buffers.hidden().at(r));
        }
    }

    private void forward(Sequence sequence, int position, int rows, LayerListener listener) {
        var hidden = buffers.hidden().slice(0, rows);
        var normed = buffers.normed().slice(0, rows);
        var attended = buffers.attended().slice(0, rows);
        var projected = buffers.projected().slice(0, rows);
        var qkv = buffers.queryKeyValue().slice(0, rows);
        computeAngles(position, rows);
        for (int n = 0; n < config.layers(); n++) {
            var layer = weights.layer(n);
            var place =
                    new Attention.Place(sequence.cache(), sequence.blockTable(), n, position, rows);
            norm(hidden, layer.attentionNorm(), normed);
            multiply(normed, layer.queryKeyValue(), qkv);
            forRows(rows, (from, to) -> rotateAndStore(sequence, place, from, to));
            listener.written(n, position, rows);
            queryListener.rotated(n, position, qkv);
            attention.attend(place, qkv, attended);
            multiply(attended, layer.output(), projected);
            forRows(
                    rows,
                    (from, to) ->
                            kernels.add(
                                    projected.slice(from, to),
                                    hidden.slice(from, to),
                                    config.hiddenSize()));
            feedForward(layer, hidden, normed, projected);
        }
    }

    private void feedForward(
            LlamaWeights.Layer layer, FloatRows hidden, FloatRows normed, FloatRows projected) {
        int rows = hidden.count();
        int inner = config.intermediateSize();
        var gateUp = buffers.gateUp().slice(0, rows);
        norm(hidden, layer.feedForwardNorm(), normed);
        multiply(normed, layer.gateUp(), gateUp);
        forRows(
                rows,
                (from, to) -> {
                    var gate = gateUp.slice(from, to);
                    kernels.siluMultiply(gate, gate.shift(inner), gate, inner);
                });
        multiply(gateUp, layer.down(), projected);
        forRows(
                rows,
                (from, to) ->
                        kernels.add(
                                projected.slice(from, to),
                                hidden.slice(from, to),
                                config.hiddenSize()));
    }

    private void norm(FloatRows x, float[] weight, FloatRows y) {
        forRows(
                x.count(),
                (from, to) ->
                        kernels.rmsNorm(
                                x.slice(from, to),
                                weight,
                                config.rmsNormEpsilon(),
                                y.slice(from, to)));
    }

    /** Splits a product by outputs, so that each weight is read by one thread only. */
    private void multiply(FloatRows x, PackedMatrix w, FloatRows y) {
        var panels = w.panels();
        // Below this many multiplications, waking a thread costs more than it saves.
        long work = (long) x.count() * w.columns() * w.rows();
        int tasks = work < 100_000 ? 1 : Math.min(panels.count(), 4 * workers.threads());
        workers.forEach(
                tasks,
                (i, worker) -> {
                    int begin = (int) ((long) panels.count() * i / tasks);
                    int end = (int) ((long) panels.count() * (i + 1) / tasks);
                    kernels.multiply(
                            x,
                            panels.slice(begin, end),
                            y.shift(begin * Panels.WIDTH),
                            0,
                            w.columns());
                });
    }

    @FunctionalInterface
    private interface RowRange {
        void run(int from, int to);
    }

    private void forRows(int rows, RowRange body) {
        int each = 16;
        workers.forEach(
                Math.ceilDiv(rows, each),
                (i, worker) -> body.run(i * each, Math.min((i + 1) * each, rows)));
    }

    private void computeAngles(int position, int rows) {
        var angles = buffers.angles();
        int half = frequencies.length;
        forRows(
                rows,
                (from, to) -> {
                    for (int r = from; r < to; r++) {
                        for (int i = 0; i < half; i++) {
                            double angle = (position + r) * frequencies[i];
                            // StrictMath, because Math.cos may differ between processors.
                            angles[2 * r * half + i] = (float) StrictMath.cos(angle);
                            angles[(2 * r + 1) * half + i] = (float) StrictMath.sin(angle);
                        }
                    }
                });
    }

    private void rotateAndStore(Sequence sequence, Attention.Place place, int from, int to) {
        int half = frequencies.length;
        int headDim = config.headDim();
        var rows = buffers.queryKeyValue();
        for (int r = from; r < to; r++) {
            int at = rows.at(r);
            for (int head = 0; head < config.heads() + config.kvHeads(); head++) {
                kernels.rotate(
                        rows.data(), at + head * headDim, buffers.angles(), 2 * r * half, half);
            }
            int keysAt = at + config.queryDim();
            sequence.store(place.layer(), place.firstPosition() + r, rows.data(), keysAt);
        }
    }

    /** The logits of some rows of the hidden state. */
    private float[][] logits(int from, int to) {
        var normed = buffers.normed().slice(0, to - from);
        norm(buffers.hidden().slice(from, to), weights.finalNorm(), normed);
        var padded =
                FloatRows.dense(
                        new float[(to - from) * Panels.padded(config.vocabSize())],
                        Panels.padded(config.vocabSize()));
        multiply(normed, weights.head(), padded);
        var logits = new float[to - from][];
        for (int r = 0; r < logits.length; r++) {
            int at = padded.at(r);
            logits[r] = Arrays.copyOfRange(padded.data(), at, at + config.vocabSize());
        }
        return logits;
    }

    private Buffers allocate(int rows) {
        int qkv = Panels.padded(config.queryDim() + 2 * config.kvDim());
        return new Buffers(
                rows,
                rows(rows, normStride),
                rows(rows, normStride),
                rows(rows, qkv),
                rows(rows, Panels.padded(config.queryDim())),
                rows(rows, normStride),
                rows(rows, Panels.padded(2 * config.intermediateSize())),
                new float[rows * config.headDim()]);
    }

    private static FloatRows rows(int rows, int columns) {
        return FloatRows.dense(new float[Math.multiplyExact(rows, columns)], columns);
    }

    /** Ends the worker threads. Closing twice does nothing. */
    @Override
    public void close() {
        workers.close();
    }
}
