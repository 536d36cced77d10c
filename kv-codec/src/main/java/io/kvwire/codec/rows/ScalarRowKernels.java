package io.kvwire.codec.rows;

import java.lang.foreign.ValueLayout;

/** The kernels, one element after the other: what the specification says and nothing else. */
public final class ScalarRowKernels implements RowKernels {
    /** Creates the kernels. */
    public ScalarRowKernels() {}

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public int encode(Rows rows) {
        int unscaled = 0;
        for (int row = 0; row < rows.count(); row++) {
            float largest = Float.intBitsToFloat(largest(rows, row, 0));
            float scale = RowScale.of(largest, rows.halfScales());
            rows.scale(row, scale);
            if (scale == RowScale.UNSCALED) {
                unscaled++;
            } else {
                quantise(rows, row, 0, scale);
            }
        }
        return unscaled;
    }

    @Override
    public void decode(Rows rows) {
        for (int row = 0; row < rows.count(); row++) {
            dequantise(rows, row, 0, rows.scale(row));
        }
    }

    /**
     * {@return the bits of the largest magnitude of a row's elements, widened: as integers,
     * magnitudes are in order, infinity above the numbers and NaN above all}
     *
     * @param rows where the row is
     * @param row from 0
     * @param from the first element to look at
     */
    public static int largest(Rows rows, int row, int from) {
        var dtype = rows.dtype();
        var elements = rows.elements();
        long at = rows.at(row);
        int largest = 0;
        for (int i = from; i < rows.dim(); i++) {
            float x = Elements.load(dtype, elements, at + (long) i * dtype.bytes());
            largest = Math.max(largest, Float.floatToRawIntBits(x) & Integer.MAX_VALUE);
        }
        return largest;
    }

    /**
     * Makes the codes of a row.
     *
     * @param rows where the row is
     * @param row from 0
     * @param from the first element
     * @param scale of the row
     */
    public static void quantise(Rows rows, int row, int from, float scale) {
        var dtype = rows.dtype();
        var elements = rows.elements();
        var codes = rows.codes();
        long at = rows.at(row);
        long codesAt = rows.codesAt(row);
        for (int i = from; i < rows.dim(); i++) {
            float x = Elements.load(dtype, elements, at + (long) i * dtype.bytes());
            codes.set(ValueLayout.JAVA_BYTE, codesAt + i, (byte) Math.rint(x / scale));
        }
    }

    /**
     * Makes the elements of a row.
     *
     * @param rows where the row is
     * @param row from 0
     * @param from the first element
     * @param scale of the row
     */
    public static void dequantise(Rows rows, int row, int from, float scale) {
        var dtype = rows.dtype();
        var elements = rows.elements();
        var codes = rows.codes();
        long at = rows.at(row);
        long codesAt = rows.codesAt(row);
        for (int i = from; i < rows.dim(); i++) {
            float x = codes.get(ValueLayout.JAVA_BYTE, codesAt + i) * scale;
            Elements.store(dtype, elements, at + (long) i * dtype.bytes(), x);
        }
    }
}
