package io.kvwire.codec.rows;

/** The arithmetic of scheme 2: the codes of a row are spread around the middle of its range. */
public final class AsymmetricRow {
    private AsymmetricRow() {}

    /**
     * {@return the middle of a row's range}
     *
     * @param largest of its elements
     * @param least of them
     */
    public static float offset(float largest, float least) {
        return largest * 0.5f + least * 0.5f;
    }

    /**
     * {@return the scale of a row}
     *
     * @param largest of its elements
     * @param least of them
     */
    public static float scale(float largest, float least) {
        float half = largest * 0.5f - least * 0.5f;
        return Math.max(half / RowScale.LARGEST_CODE, RowScale.LEAST);
    }

    /**
     * Makes the codes of a row.
     *
     * @param row the elements
     * @param codes gets as many
     * @param dim how many
     * @param scale of the row
     * @param offset of the row
     */
    public static void quantise(float[] row, byte[] codes, int dim, float scale, float offset) {
        for (int i = 0; i < dim; i++) {
            // The offset is rounded, so that the ends of the range may lie a little beyond 127.
            int code = (int) Math.rint((row[i] - offset) / scale);
            codes[i] =
                    (byte) Math.max(-RowScale.LARGEST_CODE, Math.min(RowScale.LARGEST_CODE, code));
        }
    }

    /**
     * Makes the elements of a row.
     *
     * @param codes the codes
     * @param row gets as many elements
     * @param dim how many
     * @param scale of the row
     * @param offset of the row
     */
    public static void dequantise(byte[] codes, float[] row, int dim, float scale, float offset) {
        for (int i = 0; i < dim; i++) {
            row[i] = Math.fma(codes[i], scale, offset);
        }
    }

    /**
     * {@return the largest element of a row}
     *
     * @param row finite elements below {@link RowScale#LIMIT}
     * @param dim how many
     */
    public static float largest(float[] row, int dim) {
        float largest = row[0];
        for (int i = 1; i < dim; i++) {
            largest = Math.max(largest, row[i]);
        }
        return largest;
    }

    /**
     * {@return the least element of a row}
     *
     * @param row finite elements below {@link RowScale#LIMIT}
     * @param dim how many
     */
    public static float least(float[] row, int dim) {
        float least = row[0];
        for (int i = 1; i < dim; i++) {
            least = Math.min(least, row[i]);
        }
        return least;
    }
}
