package io.kvwire.harness.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.harness.math.ElementType;
import io.kvwire.transport.KvOrder;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/** Strides find the element that the layout's name says, and never one outside. */
class PagedKvTest {

    @Property(tries = 200)
    void offsetsAreThoseOfADenseArrayInTheOrderOfTheName(
            @ForAll KvOrder order,
            @ForAll KvPacking packing,
            @ForAll ElementType type,
            @ForAll @IntRange(min = 1, max = 5) int blocks,
            @ForAll @IntRange(min = 1, max = 6) int tokens,
            @ForAll @IntRange(min = 1, max = 4) int heads,
            @ForAll @IntRange(min = 1, max = 7) int dim) {
        var geometry = new KvGeometry(1, blocks, tokens, heads, dim, type);
        try (var arena = Arena.ofConfined()) {
            var cache = PagedKv.allocate(arena, geometry, order, packing);
            long halfBlock = (long) tokens * heads * dim;
            for (int b = 0; b < blocks; b++) {
                for (int t = 0; t < tokens; t++) {
                    for (int h = 0; h < heads; h++) {
                        long within =
                                order == KvOrder.NHD
                                        ? ((long) t * heads + h) * dim
                                        : ((long) h * tokens + t) * dim;
                        long key =
                                packing == KvPacking.FUSED
                                        ? 2L * b * halfBlock + within
                                        : b * halfBlock + within;
                        long value =
                                packing == KvPacking.FUSED
                                        ? key + halfBlock
                                        : key + blocks * halfBlock;
                        assertEquals(key * type.bytes(), cache.keyOffset(b, t, h));
                        assertEquals(value * type.bytes(), cache.valueOffset(b, t, h));
                    }
                }
            }
            assertEquals(2L * blocks * halfBlock * type.bytes(), cache.keys(0).byteSize());
            assertEquals(cache.keys(0), cache.values(0));
        }
    }

    @Example
    void keysAndValuesMayLieInMemoryOfTheirOwn() {
        var geometry = new KvGeometry(1, 2, 4, 1, 8, ElementType.FP32);
        var keys = MemorySegment.ofArray(new byte[256]);
        var values = MemorySegment.ofArray(new byte[256 + 64]);
        var strides = new KvStrides(0, 64, 128, 32, 32);
        var cache = PagedKv.over(geometry, strides, List.of(keys), List.of(values));
        assertEquals(128 + 96, cache.keyOffset(1, 3, 0));
        assertEquals(64 + 128 + 96, cache.valueOffset(1, 3, 0));
    }

    @Example
    void stridesThatReachOutsideAreRefused() {
        var geometry = new KvGeometry(1, 2, 4, 1, 8, ElementType.FP32);
        var exact = MemorySegment.ofArray(new byte[512]);
        PagedKv.over(geometry, new KvStrides(0, 256, 128, 32, 32), one(exact), one(exact));
        for (var wrong :
                List.of(
                        new KvStrides(257, 0, 128, 32, 32),
                        new KvStrides(0, 257, 128, 32, 32),
                        new KvStrides(0, 256, 417, 32, 32),
                        new KvStrides(0, 256, -128, 32, 32),
                        new KvStrides(-1, 256, 128, 32, 32),
                        new KvStrides(0, 256, Long.MAX_VALUE, 32, 32),
                        new KvStrides(0, 256, 128, Long.MAX_VALUE / 2, 32))) {
            var thrown =
                    assertThrows(
                            IllegalArgumentException.class,
                            () -> PagedKv.over(geometry, wrong, one(exact), one(exact)));
            assertTrue(thrown.getMessage().contains("of layer 0 have 512 bytes"));
        }
    }

    @Example
    void eachLayerNeedsItsOwnMemory() {
        var geometry = new KvGeometry(2, 2, 4, 1, 8, ElementType.FP32);
        var segment = MemorySegment.ofArray(new byte[512]);
        assertThrows(
                IllegalArgumentException.class,
                () ->
                        PagedKv.over(
                                geometry,
                                KvStrides.of(geometry, KvOrder.NHD, KvPacking.SPLIT),
                                one(segment),
                                one(segment)));
    }

    @Example
    void sizesBelowOneOrBeyondMemoryAreRefused() {
        assertThrows(
                IllegalArgumentException.class,
                () -> new KvGeometry(1, 0, 16, 1, 64, ElementType.BF16));
        int huge = Integer.MAX_VALUE;
        assertThrows(
                IllegalArgumentException.class,
                () -> new KvGeometry(1, huge, huge, huge, huge, ElementType.FP32));
    }

    @Example
    void sizesFollowFromTheGeometry() {
        var geometry = new KvGeometry(8, 10, 16, 4, 64, ElementType.BF16);
        assertEquals(16 * 4 * 64 * 2, geometry.halfBlockBytes());
        assertEquals(2 * 10 * 16 * 4 * 64 * 2, geometry.layerBytes());
        assertEquals(8 * 2 * 4 * 64 * 2, geometry.bytesPerToken());
        assertEquals(3, geometry.blocksFor(33));
    }

    private static List<MemorySegment> one(MemorySegment segment) {
        return List.of(segment);
    }
}
