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

/** FP16 elements, two to a 32-bit lane, as {@link Bfloat16Lanes}. */
final class Float16Lanes {
    private static final int INFINITY = 0x7C00;
    private static final int MAGNITUDE = 0x7FFF;

    // A half's exponent and fraction, moved to where a float has them, make a float that is too
    // small by this, for subnormal halves too.
    private static final float REBIAS = 0x1p112f;

    // From here on, floats round to an infinite half; below the other, to a subnormal one.
    private static final float TOO_LARGE = 65520f;
    private static final float LEAST_NORMAL = 0x1p-14f;

    // The float whose unit in the last place is that of the subnormal halves.
    private static final float ALIGNER = 0.5f;

    private Float16Lanes() {}

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
        short half = largest.reduceLanes(VectorOperators.MAX);
        return Float.floatToRawIntBits(Float.float16ToFloat(half));
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
            var even = widened(pairs);
            var odd = widened(pairs.lanewise(VectorOperators.LSHR, 16));
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
            even.or(odd.lanewise(VectorOperators.LSHL, 16))
                    .intoMemorySegment(memory, at + 2L * i, ORDER);
        }
    }

    /** The finite half in the lower bits of each lane. */
    private static FloatVector widened(IntVector half) {
        var magnitude = half.and(MAGNITUDE).lanewise(VectorOperators.LSHL, 13);
        var sign = half.and(0x8000).lanewise(VectorOperators.LSHL, 16);
        return magnitude.or(sign).reinterpretAsFloats().mul(REBIAS);
    }

    /** The number rounded to a half, ties to even, in the lower bits of the lane. */
    private static IntVector rounded(FloatVector x) {
        var bits = x.reinterpretAsInts();
        var sign = bits.lanewise(VectorOperators.LSHR, 16).and(0x8000);
        var magnitude = bits.and(Integer.MAX_VALUE);
        var absolute = magnitude.reinterpretAsFloats();
        var normal =
                magnitude
                        .add(magnitude.lanewise(VectorOperators.LSHR, 13).and(1))
                        .add(0xFFF - (112 << 23))
                        .lanewise(VectorOperators.LSHR, 13);
        var subnormal =
                absolute.add(ALIGNER).reinterpretAsInts().sub(Float.floatToRawIntBits(ALIGNER));
        var tiny = absolute.compare(VectorOperators.LT, LEAST_NORMAL).cast(INTS);
        var huge = absolute.compare(VectorOperators.GE, TOO_LARGE).cast(INTS);
        return normal.blend(subnormal, tiny).blend(INFINITY, huge).or(sign);
    }
}
