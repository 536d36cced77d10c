package io.kvwire.codec.simd;

import io.kvwire.codec.rows.Elements;
import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.Rows;
import io.kvwire.transport.DType;

import java.lang.foreign.MemorySegment;

/**
 * FP16 rows, by way of FP32 ones in an array: widening is exact, and rounding is the last step
 * anyway. The compiler makes vectors of the two loops that convert. Confined to one thread.
 */
final class Float16Rows {
    private final Rows floats = new Rows();
    private final MemorySegment scale = MemorySegment.ofArray(new float[1]);
    private short[] halves = new short[0];
    private MemorySegment halfBytes = MemorySegment.ofArray(halves);
    private float[] values = new float[0];
    private MemorySegment valueBytes = MemorySegment.ofArray(values);

    /** Makes scales and codes with the kernels for FP32; returns how many rows have no scale. */
    int encode(Rows rows, RowKernels kernels) {
        shape(rows);
        int unscaled = 0;
        for (int row = 0; row < rows.count(); row++) {
            MemorySegment.copy(rows.elements(), rows.at(row), halfBytes, 0, rows.rowBytes());
            for (int i = 0; i < rows.dim(); i++) {
                values[i] = Float.float16ToFloat(halves[i]);
            }
            unscaled += kernels.encode(floats.codes(rows.codes(), rows.codesAt(row)));
            rows.scale(row, floats.scale(0));
        }
        return unscaled;
    }

    /** Makes elements with the kernels for FP32. */
    void decode(Rows rows, RowKernels kernels) {
        shape(rows);
        for (int row = 0; row < rows.count(); row++) {
            floats.scale(0, rows.scale(row));
            kernels.decode(floats.codes(rows.codes(), rows.codesAt(row)));
            for (int i = 0; i < rows.dim(); i++) {
                halves[i] = Elements.float16(values[i]);
            }
            MemorySegment.copy(halfBytes, 0, rows.elements(), rows.at(row), rows.rowBytes());
        }
    }

    private void shape(Rows rows) {
        if (values.length < rows.dim()) {
            halves = new short[rows.dim()];
            halfBytes = MemorySegment.ofArray(halves);
            values = new float[rows.dim()];
            valueBytes = MemorySegment.ofArray(values);
        }
        floats.shape(DType.FP32, rows.dim(), rows.halfScales());
        floats.elements(1, valueBytes, 0).scales(scale, 0);
    }
}
