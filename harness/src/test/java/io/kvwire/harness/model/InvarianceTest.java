package io.kvwire.harness.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.harness.math.ElementType;
import io.kvwire.harness.math.ScalarKernels;
import io.kvwire.harness.weights.SeededWeights;
import io.kvwire.transport.KvOrder;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * The logits have the same bits however the work is cut and wherever the cache lies. A split run is
 * compared with a run in one process token by token; this is what makes the comparison exact.
 */
class InvarianceTest {
    private static final LlamaConfig ODD =
            new LlamaConfig(
                    101, 52, 70, 2, 6, 2, 20, 300, 1e-5f, Rope.plain(10_000), true, List.of());
    private static final LlamaWeights ODD_WEIGHTS = LlamaWeights.load(ODD, new SeededWeights(3));
    private static final LlamaConfig TINY = LlamaConfig.tiny();
    private static final LlamaWeights TINY_WEIGHTS = LlamaWeights.load(TINY, new SeededWeights(4));

    /** One way to run a model. */
    record Way(
            boolean odd,
            ElementType type,
            LlamaOptions options,
            KvOrder order,
            KvPacking packing,
            int tokensPerBlock,
            long seed) {

        static Way plain(boolean odd, ElementType type) {
            var options =
                    LlamaOptions.defaults()
                            .withThreads(1)
                            .withChunkTokens(1_000)
                            .withKernels(new ScalarKernels());
            return new Way(odd, type, options, KvOrder.NHD, KvPacking.SPLIT, 16, 0);
        }

        LlamaConfig config() {
            return odd ? ODD : TINY;
        }

        LlamaWeights weights() {
            return odd ? ODD_WEIGHTS : TINY_WEIGHTS;
        }
    }

    @Property(tries = 120)
    void chunksThreadsKernelsAndLayoutsDoNotChangeOneBit(
            @ForAll boolean odd,
            @ForAll ElementType type,
            @ForAll KvOrder order,
            @ForAll KvPacking packing,
            @ForAll @IntRange(min = 0, max = 3) int blockSize,
            @ForAll @IntRange(min = 1, max = 4) int threads,
            @ForAll @IntRange(min = 1, max = 80) int chunk,
            @ForAll boolean scalar,
            @ForAll @IntRange(min = 1, max = 150) int length,
            @ForAll long seed) {
        var plain = Way.plain(odd, type);
        var options = LlamaOptions.defaults().withThreads(threads).withChunkTokens(chunk);
        if (scalar) {
            options = options.withKernels(new ScalarKernels());
        }
        var other = new Way(odd, type, options, order, packing, 16 << blockSize, seed);
        int[] tokens = new Random(seed).ints(length, 0, plain.config().vocabSize()).toArray();
        assertBits(prefill(plain, tokens), prefill(other, tokens));
    }

    @Property(tries = 60)
    void decodingTokenByTokenEqualsPrefillAfterAnySharedBeginning(
            @ForAll boolean odd,
            @ForAll ElementType type,
            @ForAll @IntRange(min = 1, max = 3) int threads,
            @ForAll @IntRange(min = 2, max = 60) int length,
            @ForAll long seed) {
        var plain = Way.plain(odd, type);
        int[] tokens = new Random(seed).ints(length, 0, plain.config().vocabSize()).toArray();
        int shared = new Random(seed + 1).nextInt(length);
        var options = LlamaOptions.defaults().withThreads(threads).withChunkTokens(7);
        var way = new Way(odd, type, options, KvOrder.HND, KvPacking.FUSED, 16, seed);
        try (var arena = Arena.ofShared();
                var llama = Llama.create(way.config(), way.weights(), options)) {
            var cache = cache(way, arena);
            int[] table = blockTable(way, cache);
            if (shared > 0) {
                llama.prefill(Arrays.copyOf(tokens, shared), 0, table, cache, LayerListener.NONE);
            }
            float[] logits = {};
            for (int position = shared; position < length; position++) {
                logits = llama.decode(tokens[position], position, table, cache);
            }
            assertBits(prefill(plain, tokens), logits);
        }
    }

    @Property(tries = 30)
    void scoringGivesAtEachPositionWhatPrefillUpToThereGives(
            @ForAll @IntRange(min = 1, max = 40) int length, @ForAll long seed) {
        var plain = Way.plain(true, ElementType.FP32);
        int[] tokens = new Random(seed).ints(length, 0, ODD.vocabSize()).toArray();
        try (var arena = Arena.ofShared();
                var llama =
                        Llama.create(
                                ODD, ODD_WEIGHTS, LlamaOptions.defaults().withChunkTokens(9))) {
            var cache = cache(plain, arena);
            var scores = llama.score(tokens, 0, blockTable(plain, cache), cache);
            assertEquals(length, scores.length);
            int last = new Random(seed).nextInt(length);
            assertBits(prefill(plain, Arrays.copyOf(tokens, last + 1)), scores[last]);
        }
    }

    private static float[] prefill(Way way, int[] tokens) {
        try (var arena = Arena.ofShared();
                var llama = Llama.create(way.config(), way.weights(), way.options())) {
            var cache = cache(way, arena);
            return llama.prefill(tokens, 0, blockTable(way, cache), cache, LayerListener.NONE);
        }
    }

    /** Some blocks more than needed, each filled with values that must not be used. */
    private static PagedKv cache(Way way, Arena arena) {
        int blocks = Math.ceilDiv(way.config().maxPositions(), way.tokensPerBlock()) + 3;
        var geometry = way.config().kvGeometry(blocks, way.tokensPerBlock(), way.type());
        var cache = PagedKv.allocate(arena, geometry, way.order(), way.packing());
        for (int layer = 0; layer < geometry.layers(); layer++) {
            cache.keys(layer).fill((byte) 0xFF); // NaN in every element type
        }
        return cache;
    }

    private static int[] blockTable(Way way, PagedKv cache) {
        var blocks =
                new ArrayList<>(IntStream.range(0, cache.geometry().blocks()).boxed().toList());
        Collections.shuffle(blocks, new Random(way.seed()));
        return blocks.stream().mapToInt(Integer::intValue).toArray();
    }

    private static void assertBits(float[] expected, float[] actual) {
        assertArrayEquals(bits(expected), bits(actual));
    }

    private static int[] bits(float[] values) {
        return IntStream.range(0, values.length)
                .map(i -> Float.floatToRawIntBits(values[i]))
                .toArray();
    }
}
