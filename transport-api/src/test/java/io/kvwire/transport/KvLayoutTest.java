package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

class KvLayoutTest {
    private static final KvLayout LLAMA_8B =
            KvLayout.builder().layers(32).kvHeads(8).headDim(128).tokensPerBlock(16).build();

    @Test
    void sizesFollowFromTheExtents() {
        assertEquals(256, LLAMA_8B.vectorBytes());
        assertEquals(16 * 8 * 256, LLAMA_8B.partBytes());
        assertEquals(2 * 16 * 8 * 256, LLAMA_8B.blockBytes());
        assertEquals(2 * 8 * 256, LLAMA_8B.tokenBytes());
        assertEquals("128 KiB a token", 32 * LLAMA_8B.tokenBytes() / 1024 + " KiB a token");
    }

    @Test
    void aLatentHasOnePartAndOneHead() {
        var deepSeek =
                KvLayout.builder()
                        .layers(61)
                        .headDim(576)
                        .tokensPerBlock(64)
                        .form(KvForm.LATENT)
                        .tensorParallel(5, 8)
                        .build();

        assertEquals(1, deepSeek.heads());
        assertEquals(0, deepSeek.firstHead());
        assertEquals(64 * 576 * 2, deepSeek.blockBytes());
        assertEquals(576 * 2, deepSeek.tokenBytes());
    }

    @Test
    void stridesFollowFromTheOrder() {
        var hnd = KvLayout.builder().kvHeads(8).headDim(128).order(KvOrder.HND).build();

        assertEquals(8 * 256, LLAMA_8B.tokenStride());
        assertEquals(256, LLAMA_8B.headStride());
        assertEquals(256, hnd.tokenStride());
        assertEquals(16 * 256, hnd.headStride());
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 1", "16, 1", "17, 2", "2147483647, 134217728"})
    void tokensTakeAsManyBlocksAsTheyNeed(int tokens, int blocks) {
        assertEquals(blocks, LLAMA_8B.blocksFor(tokens));
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 4, 8, 16, 32})
    void ranksShareTheHeadsEvenlyAndReplicateThemWhenThereAreTooFew(int size) {
        var held = new int[8];
        for (int rank = 0; rank < size; rank++) {
            var layout = KvLayout.builder().kvHeads(8).tensorParallel(rank, size).build();
            var expected = Elements.headsOf(layout);
            assertEquals(expected.getFirst(), layout.firstHead());
            assertEquals(expected.size(), layout.heads());
            expected.forEach(head -> held[head]++);
            assertEquals(
                    layout,
                    KvLayout.builder().kvHeads(8).tensorParallel(0, size).build().atRank(rank));
        }
        assertTrue(IntStream.of(held).allMatch(times -> times == Math.max(1, size / 8)));
    }

    @ParameterizedTest
    @CsvSource({"8, 3", "8, 12", "3, 2", "6, 4"})
    void headsThatDoNotSplitEvenlyAreRefused(int heads, int ranks) {
        var refusal = refused(layout -> layout.kvHeads(heads).tensorParallel(0, ranks));

        assertEquals(
                heads
                        + " KV heads do not split over "
                        + ranks
                        + " tensor-parallel ranks: one must divide the other",
                refusal.getMessage());
    }

    @Test
    void extentsOutOfRangeAreRefusedByName() {
        assertEquals("layers is 0: need 1 to 1048576", refused(b -> b.layers(0)).getMessage());
        assertEquals("kvHeads is -1: need 1 to 1048576", refused(b -> b.kvHeads(-1)).getMessage());
        assertEquals(
                "headDim is 1048577: need 1 to 1048576",
                refused(b -> b.headDim(1048577)).getMessage());
        assertEquals(
                "tokensPerBlock is -2147483648: need 1 to 1048576",
                refused(b -> b.tokensPerBlock(Integer.MIN_VALUE)).getMessage());
    }

    @Test
    void aLatentWithSeveralHeadsIsRefused() {
        refused(layout -> layout.form(KvForm.LATENT).kvHeads(2));
    }

    @Test
    void aBlockBeyondTheLargestSizeIsRefusedEvenWhenItsSizeWouldWrap() {
        int most = KvLayout.MAX_EXTENT;

        refused(b -> b.kvHeads(most).headDim(most).tokensPerBlock(most).dtype(DType.FP32));
        refused(b -> b.kvHeads(1).headDim(1).tokensPerBlock(most).headDim(1024).dtype(DType.INT8));
        var largest =
                KvLayout.builder().headDim(512).tokensPerBlock(most).dtype(DType.INT8).build();
        assertEquals(KvLayout.MAX_BLOCK_BYTES, largest.blockBytes());
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "-1, 2", "2, 2", "3, 2", "0, -1"})
    void aRankBeyondItsGroupIsRefused(int rank, int size) {
        assertThrows(IllegalArgumentException.class, () -> new TensorParallel(rank, size));
    }

    @Test
    void theDescriptionNamesEverythingThatCanDiffer() {
        assertEquals(
                "32 layers, 8 KV heads, head dim 128, BF16 NHD SPLIT, 16 tokens/block, TP rank 0 of"
                        + " 1",
                LLAMA_8B.describe());
    }

    @Test
    void densePlacementCoversTheLayerWithoutOverlap() {
        for (var form : KvForm.values()) {
            var layout = KvLayout.builder().kvHeads(1).headDim(2).form(form).build();
            var placement = LayerPlacement.dense(layout, MemorySegment.NULL, 3);
            var starts = new ArrayList<Long>();
            for (int block = 0; block < 3; block++) {
                starts.add(placement.keyOffset() + block * placement.blockStride());
                if (form != KvForm.LATENT) {
                    starts.add(placement.valueOffset() + block * placement.blockStride());
                }
            }
            var expected = new ArrayList<Long>();
            for (int i = 0; i < 3 * form.parts(); i++) {
                expected.add(i * layout.partBytes());
            }
            assertEquals(expected, starts.stream().sorted().toList());
        }
    }

    @Test
    void numbersOnTheWireAreFixed() {
        assertEquals(
                List.of(
                        DType.FP32,
                        DType.FP16,
                        DType.BF16,
                        DType.FP8_E4M3,
                        DType.FP8_E5M2,
                        DType.INT8),
                IntStream.range(0, DType.values().length).mapToObj(DType::of).toList());
        assertEquals(
                List.of(KvOrder.NHD, KvOrder.HND),
                IntStream.range(0, KvOrder.values().length).mapToObj(KvOrder::of).toList());
        assertEquals(
                List.of(KvForm.SPLIT, KvForm.FUSED, KvForm.LATENT),
                IntStream.range(0, KvForm.values().length).mapToObj(KvForm::of).toList());
        for (var type : DType.values()) {
            assertEquals(type, DType.of(type.number()));
        }
        for (var order : KvOrder.values()) {
            assertEquals(order, KvOrder.of(order.number()));
        }
        for (var form : KvForm.values()) {
            assertEquals(form, KvForm.of(form.number()));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 6, 255})
    void numbersThatMeanNothingAreMalformed(int number) {
        for (IntFunction<?> of : List.<IntFunction<?>>of(DType::of, KvOrder::of, KvForm::of)) {
            var refusal = assertThrows(TransferException.class, () -> of.apply(number));
            assertEquals(ErrorCode.MALFORMED, refusal.code());
        }
    }

    private static IllegalArgumentException refused(UnaryOperator<KvLayout.Builder> change) {
        var builder = change.apply(KvLayout.builder());
        return assertThrows(IllegalArgumentException.class, builder::build);
    }
}
