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

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Objects;

/**
 * The default scheme at speed: rows of BF16 of at least two vectors, with FP32 scales, in memory
 * outside of the heap. See {@link NativeMemory} for how it is reached. Confined to one thread.
 *
 * <p>Each step of a loop takes two vectors. Where a row is no whole number of steps, the second one
 * overlaps the first: to compute some codes twice is cheaper than to treat a rest apart.
 */
final class NativeBfloat16 {
    private static final ValueLayout.OfFloat SCALE =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ORDER);
    private static final int MAGNITUDES = 0x7FFF7FFF;
    private static final int UPPER = 0xFFFF0000;

    /** Vectors in a step: a constant, so that the compiler writes out the loop over them. */
    private static final int TWICE = 2;

    // Not a constant, on purpose. Rows are a few steps, and what the compiler puts before and
    // behind a loop whose step it knows takes longer than the loop.
    private final int step = TWICE * BYTES;

    private final Bfloat16Scales scales = new Bfloat16Scales();

    /** {@return whether rows are of the kind that is computed here} */
    static boolean handles(Rows rows) {
        return NativeMemory.USABLE
                && rows.dtype() == DType.BF16
                && !rows.halfScales()
                && rows.rowBytes() >= TWICE * BYTES
                && rows.elements().isNative()
                && rows.codes().isNative()
                && rows.scales().isNative();
    }

    /** Makes scales and codes; returns how many rows cannot be scaled. */
    int encode(Rows rows) {
        check(rows);
        int unscaled = 0;
        for (int first = 0; first < rows.count(); first += Bfloat16Scales.ROWS) {
            int count = Math.min(Bfloat16Scales.ROWS, rows.count() - first);
            long source = rows.elements().address() + rows.at(first);
            findLargest(source, count, rows.rowBytes());
            scales.make();
            if (scales.allFast()) {
                long codes = rows.codes().address() + rows.codesAt(first);
                quantise(source, 0, count, rows.rowBytes(), codes);
                scales.store(rows.scales().address() + rows.scalesAt(first), count);
            } else {
                unscaled += eachRow(rows, first, count);
            }
        }
        return unscaled;
    }

    /** Sees to rows some of which have no scale, or one that no factor can stand for. */
    private int eachRow(Rows rows, int first, int count) {
        int unscaled = 0;
        for (int i = 0; i < count; i++) {
            int row = first + i;
            float scale = scales.scale(i);
            rows.scale(row, scale);
            if (scales.fast(i)) {
                long source = rows.elements().address() + rows.at(row);
                long codes = rows.codes().address() + rows.codesAt(row);
                quantise(source, i, i + 1, rows.rowBytes(), codes);
            } else if (scale == RowScale.UNSCALED) {
                unscaled++;
            } else {
                ScalarRowKernels.quantise(rows, row, 0, scale);
            }
        }
        return unscaled;
    }

    /** Makes elements. */
    void decode(Rows rows) {
        check(rows);
        dequantise(
                rows.codes().address() + rows.codesAt(0),
                rows.scales().address() + rows.scalesAt(0),
                rows.count(),
                rows.rowBytes(),
                rows.elements().address() + rows.at(0));
    }

    /** Checks all accesses to come against the segments, and that this thread may make them. */
    private static void check(Rows rows) {
        long codeBytes = (long) rows.count() * rows.dim();
        check(rows.elements(), rows.at(0), 2 * codeBytes);
        check(rows.codes(), rows.codesAt(0), codeBytes);
        check(rows.scales(), rows.scalesAt(0), (long) rows.count() * Float.BYTES);
    }

    private static void check(MemorySegment memory, long at, long bytes) {
        Objects.checkFromIndexSize(at, bytes, memory.byteSize());
        if (!memory.isAccessibleBy(Thread.currentThread())) {
            throw new WrongThreadException("rows in memory that another thread keeps to itself");
        }
        if (!memory.scope().isAlive()) {
            throw new IllegalStateException("rows in memory that is closed");
        }
    }

    /** {@return the bytes from the first step of a row to the second} */
    private int firstStep(int rowBytes) {
        int rest = rowBytes % step;
        return rest == 0 ? step : rest;
    }

    private void findLargest(long source, int count, int rowBytes) {
        int first = firstStep(rowBytes);
        for (int row = 0; row < count; row++) {
            var most = ShortVector.zero(Lanes.SHORTS);
            long end = source + rowBytes;
            int ahead = first;
            do {
                for (int v = 0; v < TWICE; v++) {
                    int at = v * BYTES;
                    most =
                            most.max(
                                    IntVector.fromMemorySegment(
                                                    INTS, NativeMemory.ALL, source + at, ORDER)
                                            .and(MAGNITUDES)
                                            .reinterpretAsShorts());
                }
                source += ahead;
                ahead = step;
            } while (source != end);
            // Of the two halves of each lane the larger one comes to be the upper half.
            var pairs = most.reinterpretAsInts();
            int bits =
                    pairs.max(pairs.lanewise(VectorOperators.LSHL, 16))
                            .reduceLanes(VectorOperators.MAX);
            scales.largest(row, Float.intBitsToFloat(bits & UPPER));
        }
    }

    private void quantise(long source, int from, int to, int rowBytes, long codes) {
        int first = firstStep(rowBytes);
        for (int row = from; row < to; row++) {
            var factors = FloatVector.broadcast(FLOATS, scales.factor(row));
            long end = source + rowBytes;
            int ahead = first;
            do {
                for (int v = 0; v < TWICE; v++) {
                    int at = v * BYTES;
                    var pairs =
                            IntVector.fromMemorySegment(INTS, NativeMemory.ALL, source + at, ORDER);
                    var even =
                            pairs.lanewise(VectorOperators.LSHL, 16)
                                    .reinterpretAsFloats()
                                    .fma(factors, Lanes.ROUNDERS)
                                    .reinterpretAsInts();
                    var odd =
                            pairs.and(UPPER)
                                    .reinterpretAsFloats()
                                    .fma(factors, Lanes.ROUNDERS)
                                    .reinterpretAsInts();
                    odd.lanewise(VectorOperators.LSHL, 8)
                            .or(even.and(0xFF))
                            .convertShape(VectorOperators.I2S, HALF, 0)
                            .reinterpretAsShorts()
                            .intoMemorySegment(NativeMemory.ALL, codes + at / 2, ORDER);
                }
                source += ahead;
                codes += ahead / 2;
                ahead = step;
            } while (source != end);
        }
    }

    private void dequantise(long codes, long scale, int count, int rowBytes, long target) {
        int first = firstStep(rowBytes);
        for (int row = 0; row < count; row++) {
            var factors = FloatVector.broadcast(FLOATS, NativeMemory.ALL.get(SCALE, scale));
            long end = target + rowBytes;
            int ahead = first;
            do {
                for (int v = 0; v < TWICE; v++) {
                    int at = v * BYTES;
                    var pairs =
                            ShortVector.fromMemorySegment(
                                            HALF, NativeMemory.ALL, codes + at / 2, ORDER)
                                    .convertShape(VectorOperators.S2I, INTS, 0)
                                    .reinterpretAsInts();
                    var even =
                            pairs.lanewise(VectorOperators.LSHL, 24)
                                    .lanewise(VectorOperators.ASHR, 24)
                                    .convert(VectorOperators.I2F, 0)
                                    .reinterpretAsFloats()
                                    .mul(factors)
                                    .reinterpretAsInts();
                    var odd =
                            pairs.lanewise(VectorOperators.ASHR, 8)
                                    .convert(VectorOperators.I2F, 0)
                                    .reinterpretAsFloats()
                                    .mul(factors)
                                    .reinterpretAsInts();
                    // Rounded to BF16 as in Bfloat16Lanes.
                    even = even.add(even.lanewise(VectorOperators.LSHR, 16).and(1)).add(0x7FFF);
                    odd = odd.add(odd.lanewise(VectorOperators.LSHR, 16).and(1)).add(0x7FFF);
                    even.lanewise(VectorOperators.LSHR, 16)
                            .or(odd.and(UPPER))
                            .intoMemorySegment(NativeMemory.ALL, target + at, ORDER);
                }
                codes += ahead / 2;
                target += ahead;
                ahead = step;
            } while (target != end);
            scale += Float.BYTES;
        }
    }
}
