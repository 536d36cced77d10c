package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;

class LayoutPlanTest {
    private static final int VECTOR = 2 * 128;

    private static KvLayout.Builder model() {
        return KvLayout.builder().layers(4).kvHeads(8).headDim(128).dtype(DType.BF16);
    }

    @Test
    void equalLayoutsAndNeighbouringBlocksGiveOneCopyForEachPlane() {
        var layout = model().tokensPerBlock(16).build();
        long block = 16 * 8 * VECTOR;

        var copies =
                LayoutPlan.between(layout, layout)
                        .copies(range(2, 4), 10, range(5, 4), 20, new TokenRange(0, 64));

        assertEquals(
                List.of(
                        new StridedCopy(
                                2 * block, 10 * block, 5 * block, 20 * block, 4 * block, 2)),
                copies);
    }

    @Test
    void equalFusedLayoutsAndNeighbouringBlocksGiveOneRun() {
        var layout = model().tokensPerBlock(16).form(KvForm.FUSED).build();
        long block = layout.blockBytes();

        var copies =
                LayoutPlan.between(layout, layout)
                        .copies(range(2, 4), 10, range(5, 4), 20, new TokenRange(0, 64));

        assertEquals(List.of(StridedCopy.contiguous(2 * block, 5 * block, 4 * block)), copies);
    }

    @Test
    void scatteredBlocksAreCopiedOneByOneInTheOrderOfTheTarget() {
        var layout = model().tokensPerBlock(16).form(KvForm.LATENT).kvHeads(1).build();
        long block = layout.blockBytes();

        var copies =
                LayoutPlan.between(layout, layout)
                        .copies(
                                new int[] {3, 0, 5},
                                6,
                                new int[] {4, 1, 2},
                                6,
                                new TokenRange(0, 48));

        assertEquals(
                List.of(
                        StridedCopy.contiguous(3 * block, 4 * block, block),
                        new StridedCopy(0, 5 * block, block, block, block, 2)),
                copies);
    }

    @Test
    void smallBlocksFillALargeOneInOnePieceEach() {
        var source = model().tokensPerBlock(16).form(KvForm.FUSED).build();
        var target = model().tokensPerBlock(64).form(KvForm.FUSED).build();

        var copies =
                LayoutPlan.between(source, target)
                        .copies(new int[] {3, 1, 2, 0}, 4, new int[] {0}, 1, new TokenRange(0, 64));

        assertEquals(8, copies.stream().mapToInt(StridedCopy::count).sum());
        assertTrue(copies.stream().allMatch(copy -> copy.length() == source.partBytes()));
    }

    @Test
    void headMajorFromTokenMajorIsOneStridedCopyForEachHeadOfABlock() {
        var source =
                model().tokensPerBlock(16)
                        .order(KvOrder.NHD)
                        .form(KvForm.LATENT)
                        .kvHeads(1)
                        .build();
        assertEquals(
                1,
                LayoutPlan.between(source, source)
                        .copies(range(0, 1), 1, range(0, 1), 1, new TokenRange(0, 16))
                        .size());

        var nhd = model().tokensPerBlock(16).order(KvOrder.NHD).build();
        var hnd = model().tokensPerBlock(16).order(KvOrder.HND).build();
        var copies =
                LayoutPlan.between(nhd, hnd)
                        .copies(range(0, 1), 2, range(0, 1), 2, new TokenRange(0, 16));

        assertEquals(2 * 8, copies.size());
        assertEquals(new StridedCopy(0, 8 * VECTOR, 0, VECTOR, VECTOR, 16), copies.getFirst());
    }

    @Test
    void noTokensGiveNoCopies() {
        var plan = LayoutPlan.between(model().build(), model().build());

        assertEquals(List.of(), plan.copies(new int[0], 0, new int[0], 0, new TokenRange(0, 0)));
        assertEquals(0, plan.bytes(0));
    }

    @Test
    void bytesCountTheCommonHeadsOfAllLayers() {
        var plan =
                LayoutPlan.between(
                        model().tensorParallel(1, 2).build(), model().tensorParallel(3, 4).build());

        assertEquals(6, plan.firstHead());
        assertEquals(2, plan.heads());
        assertEquals(2 * 2 * VECTOR, plan.tokenBytes());
        assertEquals(4L * 100 * 2 * 2 * VECTOR, plan.bytes(100));
    }

    @Test
    void moreBytesThanALongCountsAreRefused() {
        var huge =
                KvLayout.builder()
                        .layers(KvLayout.MAX_EXTENT)
                        .kvHeads(1 << 9)
                        .headDim(KvLayout.MAX_EXTENT)
                        .tokensPerBlock(1)
                        .dtype(DType.INT8)
                        .build();
        var plan = LayoutPlan.between(huge, huge);

        assertRefused(ErrorCode.OUT_OF_RANGE, () -> plan.bytes(Integer.MAX_VALUE));
    }

    @Test
    void whatCannotBeMappedIsRefusedWithBothLayoutsInTheMessage() {
        assertUnmappable("layers", layout -> layout.layers(5));
        assertUnmappable("KV heads", layout -> layout.kvHeads(4));
        assertUnmappable("head dimensions", layout -> layout.headDim(64));
        assertUnmappable("element types", layout -> layout.dtype(DType.FP16));
        assertUnmappable("no KV head in common", layout -> layout.tensorParallel(1, 2));
    }

    @Test
    void aLatentIsNotMappedOntoKeysAndValues() {
        var one = model().kvHeads(1).build();
        var latent = model().kvHeads(1).form(KvForm.LATENT).build();

        var refusal =
                assertRefused(ErrorCode.INCOMPATIBLE_LAYOUT, () -> LayoutPlan.between(one, latent));

        assertTrue(refusal.getMessage().contains("latent"), refusal.getMessage());
    }

    private static void assertUnmappable(
            String difference, UnaryOperator<KvLayout.Builder> change) {
        var source = model().tensorParallel(0, 2).build();
        var target = change.apply(model().tensorParallel(0, 2)).build();

        var refusal =
                assertRefused(
                        ErrorCode.INCOMPATIBLE_LAYOUT, () -> LayoutPlan.between(source, target));

        var message = refusal.getMessage();
        assertTrue(message.contains(difference), message);
        assertTrue(message.contains("source: " + source.describe()), message);
        assertTrue(message.contains("target: " + target.describe()), message);
    }

    private static KvLayout.Builder scaled(float... layers) {
        return model().dtype(DType.INT8).scales(KvScales.perLayer(layers, layers));
    }

    private static KvScales perHead(float... heads) {
        return KvScales.perHead(
                new float[][] {heads, heads, heads, heads},
                new float[][] {heads, heads, heads, heads});
    }

    @Test
    void scalesThatDifferAreRefusedByNameInEitherDirection() {
        var layout = scaled(1, 2, 3, 4).build();
        var other =
                layout.withScales(
                        KvScales.perLayer(new float[] {1, 2, 3, 4}, new float[] {1, 2, 7, 4}));
        LayoutPlan.between(layout, scaled(1, 2, 3, 4).tokensPerBlock(64).build());
        assertDiffers("V of layer 2: 3.0 and 7.0;", layout, other);
        assertDiffers("V of layer 2: 7.0 and 3.0;", other, layout);
        assertDiffers("K of layer 0: 1.0 and 8.0;", layout, scaled(8, 2, 3, 4).build());
    }

    @Test
    void scalesForEachLayerDifferAlsoBetweenRanksWithoutACommonHead() {
        var first = scaled(1, 2, 3, 4).tensorParallel(0, 2).build();
        var second = scaled(1, 2, 3, 5).tensorParallel(1, 2).build();
        var refusal =
                assertRefused(
                        ErrorCode.INCOMPATIBLE_LAYOUT,
                        () -> LayoutPlan.requireMappable(first, second));
        assertTrue(refusal.getMessage().contains("K of layer 3: 4.0 and 5.0"));
    }

    @Test
    void scalesForEachHeadAreComparedOfTheHeadsThatBothRanksHold() {
        var whole = model().dtype(DType.INT8).scales(perHead(0.5f, 1, 2, 3, 4, 5, 6, 7)).build();
        var half = model().dtype(DType.INT8).tensorParallel(1, 2).scales(perHead(4, 5, 6, 7));
        LayoutPlan.between(whole, half.build());
        assertDiffers(
                "K of layer 0, KV head 6: 6.0 and 9.0;",
                whole,
                half.scales(perHead(4, 5, 9, 7)).build());
        LayoutPlan.requireMappable(
                model().dtype(DType.INT8).tensorParallel(0, 2).scales(perHead(1, 1, 1, 1)).build(),
                half.build());
    }

    @Test
    void oneScaleForALayerIsTheSameAsThatNumberForEachOfItsHeads() {
        var layer = scaled(3, 3, 3, 3).build();
        var heads = model().dtype(DType.INT8).scales(perHead(3, 3, 3, 3, 3, 3, 3, 3)).build();
        LayoutPlan.between(layer, heads);
        LayoutPlan.between(heads, layer);
        assertDiffers("K of layer 1, KV head 0: 4.0 and 3.0;", scaled(3, 4, 3, 3).build(), heads);
    }

    @Test
    void aTargetWithoutScalesTakesElementsUnderAnyAndOneWithScalesOnlyThose() {
        var none = model().dtype(DType.INT8).build();
        var some = scaled(1, 2, 3, 4).build();
        LayoutPlan.between(some, none);
        LayoutPlan.requireMappable(none, some);
        var refusal =
                assertRefused(ErrorCode.INCOMPATIBLE_LAYOUT, () -> LayoutPlan.between(none, some));
        assertTrue(
                refusal.getMessage()
                        .startsWith("the target has scales, the source states none; source: "),
                refusal.getMessage());
    }

    @Test
    void sourceRanksAreChosenWhateverScalesTheirHeadsHave() {
        var source = model().dtype(DType.INT8).tensorParallel(0, 2).scales(perHead(0.5f, 1, 2, 3));
        var target = model().dtype(DType.INT8).scales(perHead(0.5f, 1, 2, 3, 4, 5, 6, 7)).build();
        assertEquals(2, LayoutPlan.allInto(source.build(), target).size());
        source.scales(perHead(0.5f, 1, 2, 9));
        assertRefused(
                ErrorCode.INCOMPATIBLE_LAYOUT, () -> LayoutPlan.allInto(source.build(), target));
    }

    private static void assertDiffers(String difference, KvLayout source, KvLayout target) {
        var refusal =
                assertRefused(
                        ErrorCode.INCOMPATIBLE_LAYOUT, () -> LayoutPlan.between(source, target));
        var message = refusal.getMessage();
        assertTrue(message.startsWith("scales differ: " + difference), message);
        assertTrue(message.contains("source: " + source.describe()), message);
        assertTrue(message.contains("target: " + target.describe()), message);
    }

    @ParameterizedTest(name = "{0} to {1} ranks of 4 heads, into rank {2}: from {3}")
    @CsvSource({
        "1, 1, 0, 0",
        "2, 1, 0, 0 1",
        "4, 2, 1, 2 3",
        "1, 4, 3, 0",
        "2, 4, 3, 1",
        "4, 8, 5, 2",
        "8, 4, 3, 7",
        "8, 4, 2, 4",
        "8, 1, 0, 0 2 4 6",
        "8, 2, 1, 5 7",
        "8, 8, 5, 5",
        "8, 16, 5, 3",
    })
    void sourceRanksAreChosenSoThatReplicasShareTheLoad(
            int sources, int targets, int rank, String expected) {
        var source = model().kvHeads(4).tensorParallel(0, sources).build();
        var target = model().kvHeads(4).tensorParallel(rank, targets).build();

        var ranks =
                LayoutPlan.allInto(source, target).stream()
                        .map(plan -> String.valueOf(plan.source().tensorParallel().rank()))
                        .toList();

        assertEquals(expected, String.join(" ", ranks));
    }

    @Test
    void plansIntoARankAreRefusedWhenTheModelsDiffer() {
        assertRefused(
                ErrorCode.INCOMPATIBLE_LAYOUT,
                () -> LayoutPlan.allInto(model().kvHeads(4).build(), model().kvHeads(8).build()));
    }

    @Test
    void aPlanForHeadsThatARankLacksIsRefused() {
        var first = model().tensorParallel(0, 2).build();
        var whole = model().build();

        assertRefused(ErrorCode.OUT_OF_RANGE, () -> new LayoutPlan(whole, first, 3, 2));
        assertRefused(ErrorCode.OUT_OF_RANGE, () -> new LayoutPlan(whole, first, 0, 0));
        assertRefused(ErrorCode.OUT_OF_RANGE, () -> new LayoutPlan(whole, first, -1, 1));
        assertRefused(
                ErrorCode.OUT_OF_RANGE, () -> new LayoutPlan(whole, first, Integer.MAX_VALUE, 1));
    }

    private static TransferException assertRefused(ErrorCode code, Runnable action) {
        var refusal = assertThrows(TransferException.class, action::run);
        assertEquals(code, refusal.code());
        return refusal;
    }

    private static int[] range(int first, int count) {
        return IntStream.range(first, first + count).toArray();
    }
}
