package io.kvwire.codec.rows;

import java.lang.foreign.ValueLayout;

/** The arithmetic of scheme 2: the codes of a row are spread around the middle of its range. */
public final class AsymmetricRow {
    private static final double LARGEST = RowScale.LARGEST_CODE;

    private AsymmetricRow() {}

    /**
     * {@return the middle of a row's range}
     *
     * @param row finite elements below {@link RowScale#LIMIT}
     * @param dim how many
     */
    public static float offset(float[] row, int dim) {
        return largest(row, dim) * 0.5f + least(row, dim) * 0.5f;
    }

    /**
     * {@return the scale of a row}
     *
     * @param row finite elements below {@link RowScale#LIMIT}
     * @param dim how many
     */
    public static float scale(float[] row, int dim) {
        float half = largest(row, dim) * 0.5f - least(row, dim) * 0.5f;
        return Math.max(half / RowScale.LARGEST_CODE, RowScale.LEAST);
    }

    /**
     * Makes the codes of a row.
     *
     * @param row the elements
     * @param rows says how many there are and where the codes go
     * @param scale of the row
     * @param offset of the row
     */
    public static void quantise(float[] row, Rows rows, float scale, float offset) {
        var codes = rows.codes();
        long at = rows.codesAt(0);
        for (int i = 0; i < rows.dim(); i++) {
            // The offset is rounded, so that the ends of the range may lie a little beyond 127.
            double code = Math.rint((row[i] - offset) / scale);
            code = Math.clamp(code, -LARGEST, LARGEST);
            codes.set(ValueLayout.JAVA_BYTE, at + i, (byte) code);
        }
    }

    /**
     * Makes the elements of a row.
     *
     * @param row gets the elements
     * @param rows says how many there are and where the codes are
     * @param scale of the row
     * @param offset of the row
     */
    public static void dequantise(float[] row, Rows rows, float scale, float offset) {
        var codes = rows.codes();
        long at = rows.codesAt(0);
        for (int i = 0; i < rows.dim(); i++) {
            row[i] = Math.fma(codes.get(ValueLayout.JAVA_BYTE, at + i), scale, offset);
        }
    }

    private static float largest(float[] row, int dim) {
        float largest = row[0];
        for (int i = 1; i < dim; i++) {
            largest = Math.max(largest, row[i]);
        }
        return largest;
    }

    private static float least(float[] row, int dim) {
        float least = row[0];
        for (int i = 1; i < dim; i++) {
            least = Math.min(least, row[i]);
        }
        return least;
    }
}
