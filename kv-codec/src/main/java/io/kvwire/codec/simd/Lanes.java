package io.kvwire.codec.simd;

import io.kvwire.codec.rows.Rows;
import io.kvwire.transport.DType;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

import java.lang.foreign.MemorySegment;
import java.nio.ByteOrder;

/** The vectors of this processor, and what all element types do with them. */
final class Lanes {
    /** Longer vectors would have no effect: rows are 64 to 256 elements. */
    private static final int MOST_BITS = 512;

    static final VectorSpecies<Float> FLOATS = floats();
    static final VectorShape SHAPE = FLOATS.vectorShape();
    static final int BITS = FLOATS.vectorBitSize();
    static final int BYTES = BITS / Byte.SIZE;

    /** Of 32-bit elements in one vector. */
    static final int COUNT = FLOATS.length();

    static final VectorSpecies<Integer> INTS = VectorSpecies.of(int.class, SHAPE);
    static final VectorSpecies<Short> SHORTS = VectorSpecies.of(short.class, SHAPE);
    static final VectorSpecies<Short> HALF =
            VectorSpecies.of(short.class, VectorShape.forBitSize(BITS / 2));
    static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;

    // Added to a number below 2^22 in magnitude, it leaves the number, rounded to an integer with
    // ties to even, in the lowest bits.
    private static final float ROUNDER = 0x1.8p23f;
    static final FloatVector ROUNDERS = FloatVector.broadcast(FLOATS, ROUNDER);

    private Lanes() {}

    private static VectorSpecies<Float> floats() {
        var preferred = FloatVector.SPECIES_PREFERRED;
        return preferred.vectorBitSize() > MOST_BITS ? FloatVector.SPECIES_512 : preferred;
    }

    /** {@return the elements of a row that make up whole vectors} */
    static int whole(Rows rows) {
        int step = rows.dtype() == DType.FP32 ? COUNT : 2 * COUNT;
        return rows.dim() - rows.dim() % step;
    }

    /** {@return the binary32 number next to 1 / scale} */
    static float inverse(float scale) {
        return 1 / scale;
    }

    /** {@return what {@link #inverse} lacks of 1 / scale} */
    static float low(float scale) {
        float inverse = 1 / scale;
        return Math.fma(-scale, inverse, 1) * inverse;
    }

    /**
     * Makes codes; the lowest byte of each lane is one.
     *
     * <p>The quotient is that of an IEEE division, which takes longer. Since {@code inverse} is the
     * number next to 1 / scale and {@code low} what it lacks, q is off by less than one unit in the
     * last place; so r is exact, and one more step rounds as the division does: P. Markstein,
     * Computation of elementary functions on the IBM RISC System/6000 processor, 1990; Muller et
     * al., Handbook of Floating-Point Arithmetic, section 4.7. Nothing underflows that could change
     * a code while the scale is between 2^-90 and 2^90.
     */
    static IntVector codes(
            FloatVector x, FloatVector inverse, FloatVector low, FloatVector negativeScale) {
        var q = x.fma(inverse, x.mul(low));
        var r = q.fma(negativeScale, x);
        return r.fma(inverse, q).add(ROUNDER).reinterpretAsInts();
    }

    /** {@return the codes of even and odd elements in turn} */
    static ShortVector pairs(IntVector even, IntVector odd) {
        return (ShortVector)
                odd.lanewise(VectorOperators.LSHL, 8)
                        .or(even.and(0xFF))
                        .convertShape(VectorOperators.I2S, HALF, 0);
    }

    /** Stores the codes of even and odd elements in turn. */
    static void storePairs(IntVector even, IntVector odd, MemorySegment codes, long at) {
        pairs(even, odd).intoMemorySegment(codes, at, ORDER);
    }

    /** Loads the codes of even and odd elements, each pair in the lower half of a lane. */
    static IntVector loadPairs(MemorySegment codes, long at) {
        return (IntVector)
                ShortVector.fromMemorySegment(HALF, codes, at, ORDER)
                        .convertShape(VectorOperators.S2I, INTS, 0);
    }

    /** {@return the codes of even elements as numbers} */
    static FloatVector even(IntVector pairs) {
        return (FloatVector)
                pairs.lanewise(VectorOperators.LSHL, 24)
                        .lanewise(VectorOperators.ASHR, 24)
                        .convert(VectorOperators.I2F, 0);
    }

    /** {@return the codes of odd elements as numbers} */
    static FloatVector odd(IntVector pairs) {
        return (FloatVector)
                pairs.lanewise(VectorOperators.ASHR, 8).convert(VectorOperators.I2F, 0);
    }
}
