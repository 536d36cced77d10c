package io.kvwire.harness.model;

import io.kvwire.harness.math.FloatRows;
import io.kvwire.harness.math.Kernels;
import io.kvwire.harness.math.Panels;
import io.kvwire.harness.math.Workers;

import java.util.Arrays;

/**
 * Causal grouped-query attention over a paged cache.
 *
 * <p>Keys and values are always read back from the cache, never taken from the computation that
 * made them, so a cache that arrived over a wire gives the same result as the one it was copied
 * from. They are gathered into panels, one set per layer and call; then scores are a product of
 * queries with keys, outputs a product of weights with values, both in ascending position.
 *
 * <p>Owns its scratch memory, which grows with the longest sequence. Confined to one thread, which
 * shares the work with {@link Workers}.
 */
final class Attention {
    /** Queries that go through the products together: enough to re-use what is loaded. */
    private static final int TILE_ROWS = 16;

    /** Positions gathered by one task; a multiple of the panel width. */
    private static final int GATHER = 4 * Panels.WIDTH;

    private final LlamaConfig config;
    private final Kernels kernels;
    private final Workers workers;
    private final int headDim;
    private final int paddedDim;
    private final int group;
    private final int tileTokens;
    private final float scale;
    private final Scratch[] scratch;
    private float[] keys = {};
    private float[] values = {};

    /** The memory of one worker. */
    private static final class Scratch {
        final float[] row;
        final float[] queries;
        final float[] outputs;
        float[] scores = {};

        Scratch(int rows, int headDim, int paddedDim) {
            row = new float[paddedDim];
            queries = new float[rows * headDim];
            outputs = new float[rows * paddedDim];
        }
    }

    /** Where the tokens at hand stand: some rows of queries at the end of a sequence. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Place(PagedKv cache, int[] blockTable, int layer, int firstPosition, int tokens) {
        int context() {
            return firstPosition + tokens;
        }
    }

    Attention(LlamaConfig config, Kernels kernels, Workers workers) {
        this.config = config;
        this.kernels = kernels;
        this.workers = workers;
        headDim = config.headDim();
        paddedDim = Panels.padded(headDim);
        group = config.headsPerKvHead();
        tileTokens = Math.max(1, TILE_ROWS / group);
        scale = (float) (1 / Math.sqrt(headDim));
        scratch = new Scratch[workers.threads()];
        Arrays.setAll(scratch, i -> new Scratch(tileTokens * group, headDim, paddedDim));
    }

    /**
     * Computes attention for all query heads of some tokens, whose own keys and values are in the
     * cache already.
     *
     * @param place which tokens
     * @param queries one row per token, head after head, after the rotary embedding
     * @param outputs receives one row per token, head after head
     */
    void attend(Place place, FloatRows queries, FloatRows outputs) {
        int context = place.context();
        grow(context);
        int gathers = Math.ceilDiv(context, GATHER);
        workers.forEach(
                gathers * config.kvHeads(),
                (i, worker) -> gather(place, i / gathers, i % gathers * GATHER, scratch[worker]));
        int tiles = Math.ceilDiv(place.tokens(), tileTokens);
        workers.forEach(
                tiles * config.kvHeads(),
                (i, worker) -> {
                    int first = i % tiles * tileTokens;
                    int last = Math.min(first + tileTokens, place.tokens());
                    var tile = new Tile(i / tiles, first, last, scratch[worker]);
                    attend(place, tile, queries, outputs);
                });
    }

    private void grow(int context) {
        int padded = Panels.padded(context);
        int rows = Math.multiplyExact(padded, config.kvHeads());
        if (keys.length < Math.multiplyExact(rows, headDim)) {
            int roomy = Math.min(Panels.padded(config.maxPositions()), 2 * padded);
            keys = new float[Math.multiplyExact(roomy, config.kvDim())];
            values = new float[Math.multiplyExact(roomy, config.kvHeads() * paddedDim)];
            for (var own : scratch) {
                own.scores = new float[Math.multiplyExact(roomy, tileTokens * group)];
            }
        }
    }

    private Panels keyPanels(int kvHead, int context) {
        int padded = Panels.padded(context);
        return new Panels(
                keys, kvHead * padded * headDim, headDim * Panels.WIDTH, padded / Panels.WIDTH);
    }

    private Panels valuePanels(int kvHead, int context) {
        return new Panels(
                values,
                kvHead * context * paddedDim,
                context * Panels.WIDTH,
                paddedDim / Panels.WIDTH);
    }

    private void gather(Place place, int kvHead, int begin, Scratch own) {
        var cache = place.cache();
        var type = cache.geometry().type();
        int tokensPerBlock = cache.geometry().tokensPerBlock();
        var keySegment = cache.keys(place.layer());
        var valueSegment = cache.values(place.layer());
        var keyPanels = keyPanels(kvHead, place.context());
        var valuePanels = valuePanels(kvHead, place.context());
        int end = Math.min(begin + GATHER, place.context());
        for (int position = begin; position < end; position++) {
            int block = place.blockTable()[position / tokensPerBlock];
            int token = position % tokensPerBlock;
            type.load(keySegment, cache.keyOffset(block, token, kvHead), own.row, 0, headDim);
            int keyAt = keyPanels.at(position / Panels.WIDTH) + position % Panels.WIDTH;
            for (int d = 0; d < headDim; d++) {
                keyPanels.data()[keyAt + d * Panels.WIDTH] = own.row[d];
            }
            type.load(valueSegment, cache.valueOffset(block, token, kvHead), own.row, 0, headDim);
            for (int panel = 0; panel < valuePanels.count(); panel++) {
                int valueAt = valuePanels.at(panel) + position * Panels.WIDTH;
                System.arraycopy(
                        own.row, panel * Panels.WIDTH, valuePanels.data(), valueAt, Panels.WIDTH);
            }
        }
    }

    /** The tokens {@code [first, last)} of one key/value head. */
    private record Tile(int kvHead, int first, int last, Scratch own) {}

    private void attend(Place place, Tile tile, FloatRows queries, FloatRows outputs) {
        int tokens = tile.last() - tile.first();
        int rows = tokens * group;
        var own = tile.own();
        int stride = Panels.padded(place.context());
        var scores = new FloatRows(own.scores, 0, stride, rows);
        var sums = new FloatRows(own.outputs, 0, paddedDim, rows);
        int shortest = place.firstPosition() + tile.first() + 1;
        int longest = place.firstPosition() + tile.last();

        copyQueries(tile, queries);
        var keyPanels =
                keyPanels(tile.kvHead(), place.context()).slice(0, Panels.countFor(longest));
        kernels.multiply(
                new FloatRows(own.queries, 0, headDim, rows), keyPanels, scores, 0, headDim);

        var divisors = new float[rows];
        for (int row = 0; row < rows; row++) {
            divisors[row] = kernels.expSum(own.scores, scores.at(row), shortest + row / group);
        }

        // All rows share the positions of the shortest one; the later tokens then go on alone, so
        // no
        // position beyond a token's own takes part, not even with weight 0.
        var valuePanels = valuePanels(tile.kvHead(), place.context());
        kernels.multiply(scores, valuePanels, sums, 0, shortest);
        for (int t = 1; t < tokens; t++) {
            int from = t * group;
            kernels.multiply(
                    scores.slice(from, from + group),
                    valuePanels,
                    sums.slice(from, from + group),
                    shortest,
                    shortest + t);
        }
        copyOutputs(tile, divisors, outputs);
    }

    private void copyQueries(Tile tile, FloatRows queries) {
        var target = tile.own().queries;
        int to = 0;
        for (int token = tile.first(); token < tile.last(); token++) {
            int from = queries.at(token) + tile.kvHead() * group * headDim;
            for (int i = 0; i < group * headDim; i++) {
                target[to++] = queries.data()[from + i] * scale;
            }
        }
    }

    private void copyOutputs(Tile tile, float[] divisors, FloatRows outputs) {
        var source = tile.own().outputs;
        for (int row = 0; row < divisors.length; row++) {
            int head = tile.kvHead() * group + row % group;
            int to = outputs.at(tile.first() + row / group) + head * headDim;
            float factor = 1f / divisors[row];
            for (int d = 0; d < headDim; d++) {
                outputs.data()[to + d] = source[row * paddedDim + d] * factor;
            }
        }
    }
}
