package io.kvwire.codec;

import io.kvwire.codec.rows.Elements;
import io.kvwire.transport.DType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** One row as binary32 numbers, for what is computed row by row. Confined to one thread. */
final class FloatRow {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private float[] values = new float[256];
    private MemorySegment segment = MemorySegment.ofArray(values);
    private short[] halves = new short[256];
    private byte[] codes = new byte[256];

    /** Makes room for rows of so many elements. */
    void shape(int dim) {
        if (values.length < dim) {
            halves = new short[dim];
            codes = new byte[dim];
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

    /** {@return room for the codes of the row, perhaps with more behind it} */
    byte[] codes() {
        return codes;
    }

    /** Fetches the codes of a row. */
    void loadCodes(int dim, MemorySegment from, long at) {
        MemorySegment.copy(from, ValueLayout.JAVA_BYTE, at, codes, 0, dim);
    }

    /** Puts the codes of the row where they belong. */
    void storeCodes(int dim, MemorySegment to, long at) {
        MemorySegment.copy(codes, 0, to, ValueLayout.JAVA_BYTE, at, dim);
    }

    /** Widens the elements of a row; those of two bytes from an array, which is done by vectors. */
    void load(DType dtype, int dim, MemorySegment elements, long at) {
        switch (dtype) {
            case BF16 -> {
                MemorySegment.copy(elements, SHORT, at, halves, 0, dim);
                for (int i = 0; i < dim; i++) {
                    values[i] = Float.intBitsToFloat(halves[i] << 16);
                }
            }
            case FP16 -> {
                MemorySegment.copy(elements, SHORT, at, halves, 0, dim);
                for (int i = 0; i < dim; i++) {
                    values[i] = Float.float16ToFloat(halves[i]);
                }
            }
            default -> {
                for (int i = 0; i < dim; i++) {
                    values[i] = Elements.load(dtype, elements, at + (long) i * dtype.bytes());
                }
            }
        }
    }

    /** Rounds to the elements of a row, likewise. */
    void store(DType dtype, int dim, MemorySegment elements, long at) {
        switch (dtype) {
            case BF16 -> {
                for (int i = 0; i < dim; i++) {
                    halves[i] = Elements.bfloat16(values[i]);
                }
                MemorySegment.copy(halves, 0, elements, SHORT, at, dim);
            }
            case FP16 -> {
                for (int i = 0; i < dim; i++) {
                    halves[i] = Elements.float16(values[i]);
                }
                MemorySegment.copy(halves, 0, elements, SHORT, at, dim);
            }
            default -> {
                for (int i = 0; i < dim; i++) {
                    Elements.store(dtype, elements, at + (long) i * dtype.bytes(), values[i]);
                }
            }
        }
    }
}
