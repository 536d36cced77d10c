package io.kvwire.codec.simd;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.RowScale;
import io.kvwire.codec.rows.Rows;
import io.kvwire.codec.rows.ScalarRowKernels;
import io.kvwire.transport.DType;

import jdk.incubator.vector.FloatVector;

/**
 * The kernels on the Vector API, for vectors of 128, 256 or 512 bits; what is left of a row behind
 * its last whole vector is done by {@link ScalarRowKernels}. Confined to one thread.
 *
 * <p>Loading this class fails with {@link NoClassDefFoundError} where the module {@code
 * jdk.incubator.vector} is absent; {@code KernelChoice} decides.
 */
public final class VectorRowKernels implements RowKernels {
    // Within these bounds of the scale, Quotient divides without a division.
    static final float LEAST_FAST = 0x1p-90f;
    static final float MOST_FAST = 0x1p90f;

    private final ScalarRowKernels scalar = new ScalarRowKernels();
    private final NativeBfloat16 bfloat16 = new NativeBfloat16();
    private final Float16Rows float16 = new Float16Rows();

    /** Creates the kernels. */
    public VectorRowKernels() {}

    /** {@return whether the processor has vectors that these kernels profit from} */
    public static boolean worthwhile() {
        // Not by the constants of Lanes: there are no vectors of half of less than that.
        return FloatVector.SPECIES_PREFERRED.vectorBitSize() >= 128;
    }

    @Override
    public String name() {
        return "vector-" + Lanes.BITS;
    }

    @Override
    public int encode(Rows rows) {
        if (NativeBfloat16.handles(rows)) {
            return bfloat16.encode(rows);
        }
        if (rows.dtype() == DType.FP16) {
            return float16.encode(rows, this);
        }
        if (!handles(rows)) {
            return scalar.encode(rows);
        }
        int whole = Lanes.whole(rows);
        boolean tail = whole < rows.dim();
        int unscaled = 0;
        for (int row = 0; row < rows.count(); row++) {
            int largest = largest(rows, row, whole);
            if (tail) {
                largest = Math.max(largest, ScalarRowKernels.largest(rows, row, whole));
            }
            float scale = RowScale.of(Float.intBitsToFloat(largest), rows.halfScales());
            rows.scale(row, scale);
            if (scale == RowScale.UNSCALED) {
                unscaled++;
            } else if (scale < LEAST_FAST || scale > MOST_FAST) {
                ScalarRowKernels.quantise(rows, row, 0, scale);
            } else {
                quantise(rows, row, whole, scale);
                if (tail) {
                    ScalarRowKernels.quantise(rows, row, whole, scale);
                }
            }
        }
        return unscaled;
    }

    @Override
    public void decode(Rows rows) {
        if (NativeBfloat16.handles(rows)) {
            bfloat16.decode(rows);
            return;
        }
        if (rows.dtype() == DType.FP16) {
            float16.decode(rows, this);
            return;
        }
        if (!handles(rows)) {
            scalar.decode(rows);
            return;
        }
        int whole = Lanes.whole(rows);
        boolean tail = whole < rows.dim();
        for (int row = 0; row < rows.count(); row++) {
            float scale = rows.scale(row);
            dequantise(rows, row, whole, scale);
            if (tail) {
                ScalarRowKernels.dequantise(rows, row, whole, scale);
            }
        }
    }

    /** Four codes are no vector, so FP32 needs longer vectors than the other types. */
    private static boolean handles(Rows rows) {
        return Lanes.whole(rows) != 0 && (rows.dtype() != DType.FP32 || Lanes.BITS >= 256);
    }

    private static int largest(Rows rows, int row, int whole) {
        return rows.dtype() == DType.BF16
                ? Bfloat16Lanes.largest(rows, row, whole)
                : Float32Lanes.largest(rows, row, whole);
    }

    private static void quantise(Rows rows, int row, int whole, float scale) {
        if (rows.dtype() == DType.BF16) {
            Bfloat16Lanes.quantise(rows, row, whole, scale);
        } else {
            Float32Lanes.quantise(rows, row, whole, scale);
        }
    }

    private static void dequantise(Rows rows, int row, int whole, float scale) {
        if (rows.dtype() == DType.BF16) {
            Bfloat16Lanes.dequantise(rows, row, whole, scale);
        } else {
            Float32Lanes.dequantise(rows, row, whole, scale);
        }
    }
}
