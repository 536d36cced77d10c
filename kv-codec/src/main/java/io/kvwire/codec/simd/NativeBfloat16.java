package io.kvwire.codec.simd;

import static io.kvwire.codec.simd.Lanes.BYTES;
import static io.kvwire.codec.simd.Lanes.FLOATS;
import static io.kvwire.codec.simd.Lanes.HALF;
import static io.kvwire.codec.simd.Lanes.INTS;
import static io.kvwire.codec.simd.Lanes.ORDER;

import io.kvwire.codec.rows.RowScale;
import io.kvwire.codec.rows.Rows;
import io.kvwire.codec.rows.ScalarRowKernels;
import io.kvwire.transport.DType;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

import java.util.Objects;

/**
 * The default scheme at speed: rows of BF16 in whole vectors, with FP32 scales, in memory outside
 * of the heap. See {@link NativeMemory} for how it is reached. Confined to one thread.
 */
final class NativeBfloat16 {
    /** Without them, four codes would be no vector. */
    private static final boolean LONG_VECTORS = Lanes.BITS >= 256;

    private static final VectorSpecies<Byte> QUARTER =
            VectorSpecies.of(
                    byte.class, VectorShape.forBitSize(Math.max(Lanes.BITS / 4, Long.SIZE)));
    private static final int MAGNITUDES = 0x7FFF7FFF;
    private static final int UPPER = 0xFFFF0000;

    // No constants, on purpose. Rows are a few vectors, and what the compiler puts before and
    // behind a loop whose step it knows takes longer than the loop.
    private final int vector = BYTES;
    private final int halfVector = BYTES / 2;

    private final Bfloat16Scales scales = new Bfloat16Scales();

    /** {@return whether rows are of the kind that is computed here} */
    static boolean handles(Rows rows) {
        return NativeMemory.USABLE
                && LONG_VECTORS
                && rows.dtype() == DType.BF16
                && !rows.halfScales()
                && rows.rowBytes() % BYTES == 0
                && rows.elements().isNative()
                && rows.codes().isNative();
    }

    /** Makes scales and codes; returns how many rows cannot be scaled. */
    int encode(Rows rows) {
        check(rows);
        int rowBytes = rows.rowBytes();
        int unscaled = 0;
        for (int first = 0; first < rows.count(); first += Bfloat16Scales.ROWS) {
            int count = Math.min(Bfloat16Scales.ROWS, rows.count() - first);
            long source = rows.elements().address() + rows.at(first);
            for (int i = 0; i < count; i++) {
                scales.largest(i, largest(source + (long) i * rowBytes, rowBytes));
            }
            scales.make();
            long codes = rows.codes().address() + rows.codesAt(first);
            for (int i = 0; i < count; i++) {
                long at = codes + (long) i * rows.dim();
                if (scales.fast(i)) {
                    quantise(source + (long) i * rowBytes, at, at + rows.dim(), scales.factor(i));
                }
            }
            unscaled += finish(rows, first, count);
        }
        return unscaled;
    }

    /** Makes elements. */
    void decode(Rows rows) {
        check(rows);
        int dim = rows.dim();
        long codes = rows.codes().address() + rows.codesAt(0);
        long target = rows.elements().address() + rows.at(0);
        for (int row = 0; row < rows.count(); row++) {
            dequantise(codes, codes + dim, target, rows.scale(row));
            codes += dim;
            target += rows.rowBytes();
        }
    }

    /** Checks all accesses to come against the segments, and that this thread may make them. */
    private static void check(Rows rows) {
        long codeBytes = (long) rows.count() * rows.dim();
        var elements = rows.elements();
        var codes = rows.codes();
        Objects.checkFromIndexSize(rows.at(0), 2 * codeBytes, elements.byteSize());
        Objects.checkFromIndexSize(rows.codesAt(0), codeBytes, codes.byteSize());
        var thread = Thread.currentThread();
        if (!elements.isAccessibleBy(thread) || !codes.isAccessibleBy(thread)) {
            throw new WrongThreadException("rows in memory that another thread keeps to itself");
        }
        if (!elements.scope().isAlive() || !codes.scope().isAlive()) {
            throw new IllegalStateException("rows in memory that is closed");
        }
    }

    private float largest(long at, int bytes) {
        var most = ShortVector.zero(Lanes.SHORTS);
        long end = at + bytes;
        do {
            most =
                    most.max(
                            IntVector.fromMemorySegment(INTS, NativeMemory.ALL, at, ORDER)
                                    .and(MAGNITUDES)
                                    .reinterpretAsShorts());
            at += vector;
        } while (at != end);
        // Of the two halves of each lane the larger one comes to be the upper half.
        var pairs = most.reinterpretAsInts();
        int bits =
                pairs.max(pairs.lanewise(VectorOperators.LSHL, 16))
                        .reduceLanes(VectorOperators.MAX);
        return Float.intBitsToFloat(bits & UPPER);
    }

    private void quantise(long source, long codes, long end, float factor) {
        var factors = FloatVector.broadcast(FLOATS, factor);
        do {
            var bits =
                    (IntVector)
                            ShortVector.fromMemorySegment(HALF, NativeMemory.ALL, source, ORDER)
                                    .convertShape(VectorOperators.ZERO_EXTEND_S2I, INTS, 0);
            bits.lanewise(VectorOperators.LSHL, 16)
                    .reinterpretAsFloats()
                    .fma(factors, Lanes.ROUNDERS)
                    .reinterpretAsInts()
                    .convertShape(VectorOperators.I2B, QUARTER, 0)
                    .intoMemorySegment(NativeMemory.ALL, codes, ORDER);
            source += halfVector;
            codes += halfVector / 2;
        } while (codes != end);
    }

    private void dequantise(long codes, long end, long target, float scale) {
        do {
            var x =
                    ((FloatVector)
                                    ByteVector.fromMemorySegment(
                                                    QUARTER, NativeMemory.ALL, codes, ORDER)
                                            .convertShape(VectorOperators.B2F, FLOATS, 0))
                            .mul(scale)
                            .reinterpretAsInts();
            // Rounds to the upper half, ties to even.
            x.lanewise(VectorOperators.LSHR, 16)
                    .and(1)
                    .add(x)
                    .add(0x7FFF)
                    .lanewise(VectorOperators.LSHR, 16)
                    .convertShape(VectorOperators.I2S, HALF, 0)
                    .intoMemorySegment(NativeMemory.ALL, target, ORDER);
            codes += halfVector / 2;
            target += halfVector;
        } while (codes != end);
    }

    /** Stores the scales; sees to rows that have none, or one that no factor can stand for. */
    private int finish(Rows rows, int first, int count) {
        int unscaled = 0;
        for (int i = 0; i < count; i++) {
            float scale = scales.scale(i);
            rows.scale(first + i, scale);
            if (scale == RowScale.UNSCALED) {
                unscaled++;
            } else if (!scales.fast(i)) {
                ScalarRowKernels.quantise(rows, first + i, 0, scale);
            }
        }
        return unscaled;
    }
}
