package io.kvwire.harness.math;

/**
 * A matrix cut into panels of {@value #WIDTH} rows, each stored column after column: the value of
 * row {@code p * WIDTH + lane} in column {@code k} is at index {@code offset + p * panelStride + k
 * * WIDTH + lane}.
 *
 * <p>So one vector load yields the same column of neighbouring rows, and a product needs no sum
 * across lanes: each output has its own lane and adds its terms in ascending {@code k}.
 *
 * @param data the array
 * @param offset index of the first element
 * @param panelStride distance between panels, in elements
 * @param count number of panels
 */
// An array is what such a view is about; views are never compared.
@SuppressWarnings("ArrayRecordComponent")
public record Panels(float[] data, int offset, int panelStride, int count) {
    /** Rows of a panel: two AVX-512 vectors, four AVX2 vectors, eight NEON vectors. */
    public static final int WIDTH = 32;

    /**
     * {@return the panels needed for a number of rows}
     *
     * @param rows the rows
     */
    public static int countFor(int rows) {
        return (rows + WIDTH - 1) / WIDTH;
    }

    /**
     * {@return a number of rows, rounded up to whole panels}
     *
     * @param rows the rows
     */
    public static int padded(int rows) {
        return countFor(rows) * WIDTH;
    }

    /**
     * {@return the index in {@link #data()} of a panel's first element}
     *
     * @param panel the panel
     */
    public int at(int panel) {
        return offset + panel * panelStride;
    }

    /**
     * {@return panels {@code begin} (inclusive) to {@code end} (exclusive)}
     *
     * @param begin first panel
     * @param end panel after the last
     */
    public Panels slice(int begin, int end) {
        return new Panels(data, at(begin), panelStride, end - begin);
    }
}
