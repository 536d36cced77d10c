package io.kvwire.codec;

import io.kvwire.codec.rows.Elements;
import io.kvwire.transport.DType;

import java.lang.foreign.MemorySegment;

/** One row as binary32 numbers, for what is computed row by row. Confined to one thread. */
final class FloatRow {
    private float[] values = new float[256];
    private MemorySegment segment = MemorySegment.ofArray(values);

    /** Makes room for rows of so many elements. */
    void shape(int dim) {
        if (values.length < dim) {
            values = new float[dim];
            segment = MemorySegment.ofArray(values);
        }
    }

    /** {@return the numbers, perhaps with room behind them} */
    float[] values() {
        return values;
    }

    /** {@return the numbers as memory} */
    MemorySegment segment() {
        return segment;
    }

    /** Widens the elements of a row. */
    void load(DType dtype, int dim, MemorySegment elements, long at) {
        for (int i = 0; i < dim; i++) {
            values[i] = Elements.load(dtype, elements, at + (long) i * dtype.bytes());
        }
    }

    /** Rounds to the elements of a row. */
    void store(DType dtype, int dim, MemorySegment elements, long at) {
        for (int i = 0; i < dim; i++) {
            Elements.store(dtype, elements, at + (long) i * dtype.bytes(), values[i]);
        }
    }
}
