package io.kvwire.codec.simd;

import static io.kvwire.codec.simd.Lanes.COUNT;
import static io.kvwire.codec.simd.Lanes.FLOATS;
import static io.kvwire.codec.simd.Lanes.INTS;
import static io.kvwire.codec.simd.Lanes.ORDER;

import io.kvwire.codec.rows.Rows;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** FP32 elements. Their codes are a quarter of a vector, so vectors have at least 256 bits here. */
final class Float32Lanes {
    private static final VectorSpecies<Byte> QUARTER =
            VectorSpecies.of(
                    byte.class, VectorShape.forBitSize(Math.max(Lanes.BITS / 4, Long.SIZE)));

    private Float32Lanes() {}

    static int largest(Rows rows, int row, int count) {
        var memory = rows.elements();
        long at = rows.at(row);
        var largest = IntVector.zero(INTS);
        for (int i = 0; i < count; i += COUNT) {
            largest =
                    largest.max(
                            IntVector.fromMemorySegment(INTS, memory, at + 4L * i, ORDER)
                                    .and(Integer.MAX_VALUE));
        }
        return largest.reduceLanes(VectorOperators.MAX);
    }

    static void quantise(Rows rows, int row, int count, float scale) {
        var memory = rows.elements();
        long at = rows.at(row);
        var codes = rows.codes();
        long codesAt = rows.codesAt(row);
        var inverse = FloatVector.broadcast(FLOATS, Lanes.inverse(scale));
        var low = FloatVector.broadcast(FLOATS, Lanes.low(scale));
        var negative = FloatVector.broadcast(FLOATS, -scale);
        for (int i = 0; i < count; i += COUNT) {
            var x = FloatVector.fromMemorySegment(FLOATS, memory, at + 4L * i, ORDER);
            Lanes.codes(x, inverse, low, negative)
                    .convertShape(VectorOperators.I2B, QUARTER, 0)
                    .reinterpretAsBytes()
                    .intoMemorySegment(codes, codesAt + i, ORDER);
        }
    }

    static void dequantise(Rows rows, int row, int count, float scale) {
        var memory = rows.elements();
        long at = rows.at(row);
        var codes = rows.codes();
        long codesAt = rows.codesAt(row);
        for (int i = 0; i < count; i += COUNT) {
            var q =
                    (FloatVector)
                            ByteVector.fromMemorySegment(QUARTER, codes, codesAt + i, ORDER)
                                    .convertShape(VectorOperators.B2F, FLOATS, 0);
            q.mul(scale).intoMemorySegment(memory, at + 4L * i, ORDER);
        }
    }
}
