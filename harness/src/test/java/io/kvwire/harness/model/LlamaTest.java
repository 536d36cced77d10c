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
import org.junit.jupiter.api.function.Executable;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/** What a prefill tells its listener, what it writes, and what it refuses. */
class LlamaTest {
    private static final LlamaConfig CONFIG = LlamaConfig.tiny();
    private static final LlamaWeights WEIGHTS = LlamaWeights.load(CONFIG, new SeededWeights(1));
    private static final int BLOCKS = 40;

    private final Arena arena = Arena.ofShared();
    private final Llama llama =
            Llama.create(
                    CONFIG, WEIGHTS, LlamaOptions.defaults().withThreads(2).withChunkTokens(20));
    private final PagedKv cache =
            PagedKv.allocate(
                    arena,
                    CONFIG.kvGeometry(BLOCKS, 16, ElementType.BF16),
                    KvOrder.NHD,
                    KvPacking.SPLIT);
    private final int[] blockTable = IntStream.range(0, BLOCKS - 4).map(i -> i + 2).toArray();

    @AfterEach
    void close() {
        llama.close();
        arena.close();
    }

    @Test
    void theListenerHearsOfEveryLayerOfEveryChunkInOrder() {
        var heard = new ArrayList<List<Integer>>();
        llama.prefill(
                prompt(50),
                7,
                blockTable,
                cache,
                (layer, first, count) -> heard.add(List.of(layer, first, count)));
        assertEquals(
                List.of(
                        List.of(0, 7, 20),
                        List.of(1, 7, 20),
                        List.of(0, 27, 20),
                        List.of(1, 27, 20),
                        List.of(0, 47, 10),
                        List.of(1, 47, 10)),
                heard);
    }

    @Test
    void whatTheListenerHearsOfIsFinal() {
        record Seen(int layer, int first, List<Byte> bytes) {}
        var seen = new ArrayList<Seen>();
        llama.prefill(
                prompt(50),
                0,
                blockTable,
                cache,
                (layer, first, count) ->
                        seen.add(new Seen(layer, first, tokens(layer, first, count))));
        assertEquals(6, seen.size());
        for (var part : seen) {
            int count = Math.min(20, 50 - part.first());
            assertEquals(tokens(part.layer(), part.first(), count), part.bytes());
            assertTrue(part.bytes().stream().anyMatch(b -> b != 0));
        }
    }

    @Test
    void onlyTheTokensOfThePromptAreWritten() {
        for (int layer = 0; layer < CONFIG.layers(); layer++) {
            cache.keys(layer).fill((byte) 0x5A);
        }
        llama.prefill(prompt(30), 0, blockTable, cache, LayerListener.NONE);
        int row = 2 * CONFIG.kvDim();
        for (int layer = 0; layer < CONFIG.layers(); layer++) {
            var bytes = cache.keys(layer).toArray(ValueLayout.JAVA_BYTE);
            // Keys and values each: tokens 0 to 29 lie in a row from block 2 on.
            for (long base : new long[] {cache.strides().key(), cache.strides().value()}) {
                int begin = (int) (base + 2 * cache.strides().block());
                for (int i = (int) base; i < begin; i++) {
                    assertEquals(0x5A, bytes[i]);
                }
                int end = (int) (base + BLOCKS * cache.strides().block());
                for (int i = begin + 30 * row; i < end; i++) {
                    assertEquals(0x5A, bytes[i]);
                }
            }
        }
    }

    @Test
    void aFailingListenerEndsThePrefillAndTheModelCanBeUsedAgain() {
        var failure = new IllegalStateException("peer lost");
        var thrown =
                assertThrows(
                        IllegalStateException.class,
                        () ->
                                llama.prefill(
                                        prompt(50),
                                        0,
                                        blockTable,
                                        cache,
                                        (layer, first, count) -> {
                                            throw failure;
                                        }));
        assertEquals(failure, thrown);
        float[] logits = llama.prefill(prompt(50), 0, blockTable, cache, LayerListener.NONE);
        assertArrayEquals(
                llama.prefill(prompt(50), 0, blockTable, cache, LayerListener.NONE), logits);
    }

    @Test
    void aCacheOfAnotherModelIsRefusedWithBothShapes() {
        var other =
                PagedKv.allocate(
                        arena,
                        new KvGeometry(2, 4, 16, 1, 16, ElementType.BF16),
                        KvOrder.NHD,
                        KvPacking.SPLIT);
        refused(
                "the cache has 2 layers of 1 heads of 16 elements, the model 2 of 2 of 16",
                () -> llama.decode(0, 0, blockTable, other));
    }

    @Test
    void tokensOutsideTheVocabularyAreRefused() {
        refused("token id 256 is outside", () -> llama.decode(256, 0, blockTable, cache));
        refused("token id -1 is outside", () -> llama.decode(-1, 0, blockTable, cache));
    }

    @Test
    void positionsOutsideTheModelAreRefused() {
        refused("exceed the model's 512 positions", () -> run(prompt(20), 493));
        refused("exceed the model's 512 positions", () -> run(prompt(1), -1));
        refused("exceed the model's 512 positions", () -> run(prompt(1), Integer.MAX_VALUE));
        refused("no tokens to run", () -> run(new int[0], 0));
        run(prompt(20), 492);
    }

    @Test
    void aBlockTableThatIsTooShortOrPointsOutsideIsRefusedBeforeAnythingIsWritten() {
        refused(
                "a sequence of 33 tokens needs 3 blocks of 16 tokens, but its block table has 2",
                () -> llama.prefill(prompt(33), 0, new int[] {0, 1}, cache, LayerListener.NONE));
        refused(
                "entry 1 of the block table is 40, but the cache has blocks 0 to 39",
                () -> llama.prefill(prompt(32), 0, new int[] {0, 40}, cache, LayerListener.NONE));
        refused(
                "entry 0 of the block table is -1",
                () -> llama.prefill(prompt(3), 0, new int[] {-1}, cache, LayerListener.NONE));
        for (int layer = 0; layer < CONFIG.layers(); layer++) {
            for (byte b : cache.keys(layer).toArray(ValueLayout.JAVA_BYTE)) {
                assertEquals(0, b);
            }
        }
    }

    @Test
    void warmingUpChangesNothing() {
        float[] before = run(prompt(50), 0);
        llama.warmUp(ElementType.BF16);
        assertArrayEquals(before, run(prompt(50), 0));
    }

    @Test
    void logitsThatAreNotNumbersAreNamed() {
        refused("not numbers", () -> Llama.greedy(new float[] {1, Float.NaN}));
    }

    private float[] run(int[] tokens, int position) {
        return llama.prefill(tokens, position, blockTable, cache, LayerListener.NONE);
    }

    private static int[] prompt(int length) {
        return IntStream.range(0, length).map(i -> i * 37 % CONFIG.vocabSize()).toArray();
    }

    private static void refused(String message, Executable what) {
        var thrown = assertThrows(ModelException.class, what);
        assertTrue(thrown.getMessage().contains(message), thrown.getMessage());
        assertEquals(1, thrown.getMessage().lines().count());
    }

    private List<Byte> tokens(int layer, int first, int count) {
        var bytes = new ArrayList<Byte>();
        int rowBytes = CONFIG.kvDim() * 2;
        for (int position = first; position < first + count; position++) {
            int block = blockTable[position / 16];
            for (long offset :
                    new long[] {
                        cache.keyOffset(block, position % 16, 0),
                        cache.valueOffset(block, position % 16, 0)
                    }) {
                for (byte b :
                        cache.keys(layer)
                                .asSlice(offset, rowBytes)
                                .toArray(ValueLayout.JAVA_BYTE)) {
                    bytes.add(b);
                }
            }
        }
        return bytes;
    }
}
