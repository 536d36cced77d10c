package io.kvwire.codec.simd;

import static io.kvwire.codec.simd.Lanes.COUNT;
import static io.kvwire.codec.simd.Lanes.FLOATS;

import io.kvwire.codec.rows.RowScale;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The FP32 scales of some BF16 rows at once, so that no row waits for a division, and for each of
 * them a factor that takes the place of the division by it. Confined to one thread.
 */
final class Bfloat16Scales {
    /** Rows at a time: whole vectors of any length. */
    static final int ROWS = 16;

    private static final int LEAST = Float.floatToRawIntBits(RowScale.LEAST);
    private static final int FAST_FROM = Float.floatToRawIntBits(VectorRowKernels.LEAST_FAST);
    private static final int FAST_TO = Float.floatToRawIntBits(VectorRowKernels.MOST_FAST);
    private static final float MIDDLE = 63.5f;
    private static final ValueLayout.OfFloat SCALE =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(Lanes.ORDER);

    private final float[] largest = new float[ROWS];
    private final float[] scales = new float[ROWS];
    private final float[] factors = new float[ROWS];
    private boolean allFast;

    /** Sets the largest magnitude of a row. */
    void largest(int row, float magnitude) {
        largest[row] = magnitude;
    }

    /** Makes scales and factors from the largest magnitudes. */
    void make() {
        var outside = IntVector.zero(Lanes.INTS);
        for (int row = 0; row < ROWS; row += COUNT) {
            var magnitude = FloatVector.fromArray(FLOATS, largest, row);
            var scale =
                    magnitude
                            .div(RowScale.LARGEST_CODE)
                            .reinterpretAsInts()
                            .max(LEAST)
                            .reinterpretAsFloats();
            scale.intoArray(scales, row);
            // No scale is negative, so the order of the bits is that of the numbers.
            var bits = scale.reinterpretAsInts();
            outside =
                    outside.or(bits.sub(FAST_FROM))
                            .or(IntVector.broadcast(Lanes.INTS, FAST_TO).sub(bits));
            factors(magnitude.mul(0.5f), scale).intoArray(factors, row);
        }
        allFast = outside.reduceLanes(VectorOperators.OR) >= 0;
    }

    /**
     * The factor f for which the exact product x * f rounds to the same integer as the quotient x /
     * scale does, for every BF16 x up to the largest magnitude m.
     *
     * <p>Both differ from 127 x / m by 2^-22 of it at most. With eight digits in x and in m, 127 x
     * / m is either further than that from the middle between two integers, or exactly there; and
     * there it is only for m = 254 * 2^n, where the scale is a power of two and all is exact, or
     * for x = m / 2, between 63 and 64. So the factor is 1 / scale, rounded, and then moved by one
     * unit in the last place where that makes m / 2 come out as in the quotient.
     */
    private static FloatVector factors(FloatVector half, FloatVector scale) {
        var inverse = FloatVector.broadcast(FLOATS, 1).div(scale);
        // Sign bits, so 1 for what is below the middle.
        var quotientBelow =
                half.div(scale).sub(MIDDLE).reinterpretAsInts().lanewise(VectorOperators.LSHR, 31);
        var productBelow =
                half.fma(inverse, FloatVector.broadcast(FLOATS, -MIDDLE))
                        .reinterpretAsInts()
                        .lanewise(VectorOperators.LSHR, 31);
        return inverse.reinterpretAsInts()
                .add(productBelow)
                .sub(quotientBelow)
                .reinterpretAsFloats();
    }

    /** {@return whether each row, also those that were not set anew, has a factor} */
    boolean allFast() {
        return allFast;
    }

    /** Stores the scales of rows that all have a factor, at an address that the caller checked. */
    void store(long address, int count) {
        MemorySegment.copy(scales, 0, NativeMemory.ALL, SCALE, address, count);
    }

    /** {@return what stands for the division by a row's scale, where {@link #fast} says so} */
    float factor(int row) {
        return factors[row];
    }

    /** {@return whether a row has a scale that its factor can stand for} */
    boolean fast(int row) {
        float scale = scales[row];
        return scale >= VectorRowKernels.LEAST_FAST && scale <= VectorRowKernels.MOST_FAST;
    }

    /** {@return the scale of a row, or {@link RowScale#UNSCALED}} */
    float scale(int row) {
        return fast(row) ? scales[row] : RowScale.of(largest[row], false);
    }
}
