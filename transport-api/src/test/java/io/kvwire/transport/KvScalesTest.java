package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class KvScalesTest {
    private static final float[] KEY = {0.5f, 0.25f};
    private static final float[] VALUE = {2, 3};

    private static KvLayout.Builder model() {
        return KvLayout.builder().layers(2).kvHeads(4).headDim(8).dtype(DType.FP8_E4M3);
    }

    @Test
    void aScaleForEachLayerIsThatOfItsHeads() {
        var key = KEY.clone();
        var scales = KvScales.perLayer(key, VALUE);
        key[1] = 9;
        assertTrue(scales.stated());
        assertFalse(scales.perHead());
        for (int head = 0; head < 4; head++) {
            assertEquals(0.25f, scales.key(1, head));
            assertEquals(2, scales.value(0, head));
        }
        assertThrows(IndexOutOfBoundsException.class, () -> scales.key(2, 0));
        assertThrows(IndexOutOfBoundsException.class, () -> scales.value(-1, 0));
    }

    @Test
    void aScaleForEachHeadIsFoundByLayerAndHead() {
        var scales =
                KvScales.perHead(new float[][] {{1, 2}, {3, 4}}, new float[][] {{5, 6}, {7, 8}});
        assertTrue(scales.perHead());
        assertEquals(2, scales.key(0, 1));
        assertEquals(3, scales.key(1, 0));
        assertEquals(8, scales.value(1, 1));
        assertThrows(IndexOutOfBoundsException.class, () -> scales.key(0, 2));
        assertThrows(IndexOutOfBoundsException.class, () -> scales.key(2, 0));
    }

    @Test
    void noScalesHaveNoNumbers() {
        assertFalse(KvScales.NONE.stated());
        assertThrows(IndexOutOfBoundsException.class, () -> KvScales.NONE.key(0, 0));
        assertEquals(KvScales.NONE, model().build().scales());
    }

    @Test
    void scalesAreEqualByTheirNumbers() {
        var scales = KvScales.perLayer(KEY, VALUE);
        assertEquals(scales, KvScales.perLayer(KEY, VALUE));
        assertEquals(scales.hashCode(), KvScales.perLayer(KEY, VALUE).hashCode());
        assertNotEquals(scales, KvScales.perLayer(VALUE, VALUE));
        assertNotEquals(scales, KvScales.perLayer(KEY, KEY));
        assertNotEquals(scales, KvScales.NONE);
        assertNotEquals(
                scales,
                KvScales.perHead(new float[][] {{0.5f}, {0.25f}}, new float[][] {{2}, {3}}));
        assertNotEquals(model().scales(scales).build(), model().build());
    }

    @ParameterizedTest
    @ValueSource(floats = {0, -0f, -1, Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
    void aScaleThatIsNoFiniteNumberAboveZeroIsRefused(float wrong) {
        assertRefused(
                "scale of K is " + wrong, () -> KvScales.perLayer(new float[] {1, wrong}, KEY));
        assertRefused(
                "scale of V is " + wrong,
                () -> KvScales.perLayer(KEY, new float[] {Float.MIN_VALUE, wrong}));
    }

    @Test
    void scalesOfUnequalNumberAreRefused() {
        assertRefused("2 scales of K and 1 of V", () -> KvScales.perLayer(KEY, new float[] {1}));
        assertRefused("KvScales.NONE", () -> KvScales.perLayer(new float[0], new float[0]));
        assertRefused("KvScales.NONE", () -> KvScales.perHead(new float[0][], new float[0][]));
        assertRefused(
                "KvScales.NONE", () -> KvScales.perHead(new float[][] {{}}, new float[][] {{}}));
        assertRefused(
                "layer 1 has scales of 1 heads",
                () ->
                        KvScales.perHead(
                                new float[][] {{1, 2}, {3}}, new float[][] {{1, 2}, {3, 4}}));
    }

    @ParameterizedTest
    @EnumSource(DType.class)
    void scalesBelongToElementsOfOneByte(DType type) {
        var layout = model().dtype(type).scales(KvScales.perLayer(KEY, VALUE));
        if (type.bytes() == 1) {
            assertEquals(0.5f, layout.build().scales().key(0, 3));
        } else {
            assertRefused("not to " + type, layout::build);
        }
    }

    @Test
    void scalesThatAreNotThoseOfTheShapeAreRefused() {
        var perLayer = KvScales.perLayer(KEY, VALUE);
        assertRefused("need 3 x 1 of K", () -> model().layers(3).scales(perLayer).build());
        assertRefused(
                "need 2 x 4 of K",
                () ->
                        model().scales(
                                        KvScales.perHead(
                                                new float[][] {{1, 2}, {3, 4}},
                                                new float[][] {{1, 2}, {3, 4}}))
                                .build());
        assertRefused(
                "need 2 x 1 of K and none of V",
                () -> model().kvHeads(1).form(KvForm.LATENT).scales(perLayer).build());
        assertRefused(
                "as many of V", () -> model().scales(KvScales.perLayer(KEY, new float[0])).build());
        var latent = KvScales.perLayer(KEY, new float[0]);
        assertEquals(
                latent, model().kvHeads(1).form(KvForm.LATENT).scales(latent).build().scales());
        assertRefused("not to BF16", () -> KvLayout.builder().build().withScales(perLayer));
    }

    @Test
    void ofAnotherRankTheScalesOfALayerAreKnownAndThoseOfItsHeadsAreNot() {
        var perLayer = KvScales.perLayer(KEY, VALUE);
        var perHead =
                KvScales.perHead(new float[][] {{1, 2}, {3, 4}}, new float[][] {{5, 6}, {7, 8}});
        var rank = model().tensorParallel(0, 2);
        assertEquals(perLayer, rank.scales(perLayer).build().atRank(1).scales());
        assertEquals(KvScales.NONE, rank.scales(perHead).build().atRank(1).scales());
        assertEquals(perHead, rank.scales(perHead).build().atRank(0).scales());
    }

    @Test
    void theDescriptionOfALayoutNamesScales() {
        var plain = model().build();
        assertFalse(plain.describe().contains("scales"));
        var scaled = plain.withScales(KvScales.perLayer(KEY, VALUE));
        assertEquals(plain.describe() + ", scales per layer", scaled.describe());
        assertEquals("no scales", KvScales.NONE.toString());
        assertEquals(
                "scales per head",
                KvScales.perHead(new float[][] {{1}}, new float[][] {{1}}).toString());
    }

    private static void assertRefused(String reason, Runnable action) {
        var refusal = assertThrows(IllegalArgumentException.class, action::run);
        assertTrue(refusal.getMessage().contains(reason), refusal.getMessage());
    }
}
