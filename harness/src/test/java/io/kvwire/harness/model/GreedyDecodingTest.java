package io.kvwire.harness.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.harness.math.ElementType;
import io.kvwire.harness.weights.ModelException;
import io.kvwire.harness.weights.SeededWeights;
import io.kvwire.transport.KvOrder;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** Greedy decoding takes the likeliest token each time and knows when to stop. */
class GreedyDecodingTest {
    private static final int[] PROMPT = {3, 1, 4, 1, 5, 9, 2, 6};

    private final Arena arena = Arena.ofShared();
    private final List<Llama> opened = new ArrayList<>();

    @AfterEach
    void close() {
        opened.forEach(Llama::close);
        arena.close();
    }

    @Test
    void eachTokenIsTheLikeliestAfterAllBeforeIt() {
        int[] made = run(model(List.of()), 12);
        assertEquals(12, made.length);
        // Each token again, from a prefill of everything before it.
        for (int n = 0; n < made.length; n++) {
            int[] before =
                    IntStream.concat(IntStream.of(PROMPT), IntStream.of(made).limit(n)).toArray();
            var llama = model(List.of());
            var cache = cache(llama);
            float[] logits = llama.prefill(before, 0, table(cache), cache, LayerListener.NONE);
            assertEquals(Llama.greedy(logits), made[n]);
        }
    }

    @Test
    void itStopsAfterATokenThatEndsTheText() {
        int[] free = run(model(List.of()), 12);
        int end = free[5];
        int first = IntStream.range(0, 12).filter(i -> free[i] == end).findFirst().orElseThrow();
        int[] made = run(model(List.of(end)), 12);
        assertArrayEquals(IntStream.of(free).limit(first + 1).toArray(), made);
    }

    @Test
    void everyTokenIsHandedOnAsItComes() {
        var llama = model(List.of());
        var cache = cache(llama);
        float[] logits = llama.prefill(PROMPT, 0, table(cache), cache, LayerListener.NONE);
        var heard = new ArrayList<Integer>();
        int[] made =
                new GreedyDecoding(llama, table(cache), cache)
                        .run(Llama.greedy(logits), PROMPT.length, 5, heard::add);
        assertEquals(IntStream.of(made).boxed().toList(), heard);
    }

    @Test
    void aContinuationThatDoesNotFitIsRefusedBeforeItBegins() {
        var llama = model(List.of());
        var cache = cache(llama);
        var decoding = new GreedyDecoding(llama, new int[] {0, 1}, cache);
        var heard = new ArrayList<Integer>();
        assertEquals(25, decoding.run(1, 8, 25, token -> {}).length); // 8 + 24 of 32 positions
        var thrown = assertThrows(ModelException.class, () -> decoding.run(1, 8, 26, heard::add));
        assertTrue(thrown.getMessage().contains("do not fit into 32 positions"));
        assertThrows(ModelException.class, () -> decoding.run(1, 8, 0, heard::add));
        assertThrows(ModelException.class, () -> decoding.run(1, 8, Integer.MAX_VALUE, heard::add));
        assertEquals(List.of(), heard);
    }

    private int[] run(Llama llama, int tokens) {
        var cache = cache(llama);
        float[] logits = llama.prefill(PROMPT, 0, table(cache), cache, LayerListener.NONE);
        return new GreedyDecoding(llama, table(cache), cache)
                .run(Llama.greedy(logits), PROMPT.length, tokens, token -> {});
    }

    private Llama model(List<Integer> eosTokens) {
        var t = LlamaConfig.tiny();
        var config =
                new LlamaConfig(
                        t.vocabSize(),
                        t.hiddenSize(),
                        t.intermediateSize(),
                        t.layers(),
                        t.heads(),
                        t.kvHeads(),
                        t.headDim(),
                        t.maxPositions(),
                        t.rmsNormEpsilon(),
                        t.rope(),
                        t.tiedEmbeddings(),
                        eosTokens);
        var llama =
                Llama.create(
                        config,
                        LlamaWeights.load(config, new SeededWeights(1)),
                        LlamaOptions.defaults().withThreads(1));
        opened.add(llama);
        return llama;
    }

    private PagedKv cache(Llama llama) {
        return PagedKv.allocate(
                arena,
                llama.config().kvGeometry(4, 16, ElementType.BF16),
                KvOrder.NHD,
                KvPacking.SPLIT);
    }

    private static int[] table(PagedKv cache) {
        return IntStream.range(0, cache.geometry().blocks()).toArray();
    }
}
