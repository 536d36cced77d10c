package io.kvwire.codec.simd;

import static io.kvwire.codec.simd.Lanes.BYTES;
import static io.kvwire.codec.simd.Lanes.COUNT;
import static io.kvwire.codec.simd.Lanes.FLOATS;
import static io.kvwire.codec.simd.Lanes.INTS;
import static io.kvwire.codec.simd.Lanes.ORDER;
import static io.kvwire.codec.simd.Lanes.SHORTS;

import io.kvwire.codec.rows.Rows;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * BF16 elements, two to a 32-bit lane: the even ones in the lower half. So that nothing needs to
 * move between lanes, even and odd elements are computed apart.
 */
final class Bfloat16Lanes {
    private static final int UPPER = 0xFFFF0000;

    static int largest(Rows rows, int row, int count) {
        var memory = rows.elements();
        long at = rows.at(row);
        var largest = ShortVector.zero(SHORTS);
        for (int i = 0; i < count * Short.BYTES; i += BYTES) {
            largest =
                    largest.max(
                            ShortVector.fromMemorySegment(SHORTS, memory, at + i, ORDER)
                                    .and(Short.MAX_VALUE));
        }
        return largest.reduceLanes(VectorOperators.MAX) << 16;
    }

    static void quantise(Rows rows, int row, int count, float scale) {
        var memory = rows.elements();
        long at = rows.at(row);
        var codes = rows.codes();
        long codesAt = rows.codesAt(row);
        var inverse = FloatVector.broadcast(FLOATS, Lanes.inverse(scale));
        var low = FloatVector.broadcast(FLOATS, Lanes.low(scale));
        var negative = FloatVector.broadcast(FLOATS, -scale);
        for (int i = 0; i < count; i += 2 * COUNT) {
            var pairs = IntVector.fromMemorySegment(INTS, memory, at + 2L * i, ORDER);
            var even = pairs.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
            var odd = pairs.and(UPPER).reinterpretAsFloats();
            Lanes.storePairs(
                    Lanes.codes(even, inverse, low, negative),
                    Lanes.codes(odd, inverse, low, negative),
                    codes,
                    codesAt + i);
        }
    }

    static void dequantise(Rows rows, int row, int count, float scale) {
        var memory = rows.elements();
        long at = rows.at(row);
        var codes = rows.codes();
        long codesAt = rows.codesAt(row);
        for (int i = 0; i < count; i += 2 * COUNT) {
            var pairs = Lanes.loadPairs(codes, codesAt + i);
            var even = rounded(Lanes.even(pairs).mul(scale));
            var odd = rounded(Lanes.odd(pairs).mul(scale));
            even.lanewise(VectorOperators.LSHR, 16)
                    .or(odd.and(UPPER))
                    .intoMemorySegment(memory, at + 2L * i, ORDER);
        }
    }

    /** The number rounded to BF16, ties to even, in the upper half of the lane. */
    static IntVector rounded(FloatVector x) {
        var bits = x.reinterpretAsInts();
        return bits.add(bits.lanewise(VectorOperators.LSHR, 16).and(1)).add(0x7FFF);
    }
}
