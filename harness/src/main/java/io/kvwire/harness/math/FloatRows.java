package io.kvwire.harness.math;

/**
 * A view of equally spaced rows in a float array: column {@code c} of row {@code r} is at index
 * {@code offset + r * stride + c}. It owns nothing and checks nothing beyond its own ends; kernels
 * state how many columns they touch.
 *
 * @param data the array
 * @param offset index of the first element of row 0
 * @param stride distance between rows, in elements
 * @param count number of rows
 */
// An array is what such a view is about; views are never compared.
@SuppressWarnings("ArrayRecordComponent")
public record FloatRows(float[] data, int offset, int stride, int count) {

    /**
     * {@return all rows of a dense matrix}
     *
     * @param data the values, row after row
     * @param columns elements of a row
     */
    public static FloatRows dense(float[] data, int columns) {
        return new FloatRows(data, 0, columns, columns == 0 ? 0 : data.length / columns);
    }

    /**
     * {@return the index in {@link #data()} of a row's first element}
     *
     * @param row the row
     */
    public int at(int row) {
        return offset + row * stride;
    }

    /**
     * {@return rows {@code begin} (inclusive) to {@code end} (exclusive)}
     *
     * @param begin first row
     * @param end row after the last
     */
    public FloatRows slice(int begin, int end) {
        return new FloatRows(data, at(begin), stride, end - begin);
    }

    /**
     * {@return the same rows, beginning some columns further right}
     *
     * @param columns how many columns to leave out
     */
    public FloatRows shift(int columns) {
        return new FloatRows(data, offset + columns, stride, count);
    }
}
