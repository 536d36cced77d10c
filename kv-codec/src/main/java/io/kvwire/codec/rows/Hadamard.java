package io.kvwire.codec.rows;

/**
 * Rotates a row by a Hadamard matrix, so that one large element becomes many of ordinary size. The
 * order of additions is part of the frame format.
 */
public final class Hadamard {
    private Hadamard() {}

    /**
     * {@return k, where 2^k neighbouring elements are rotated together: the largest power of two
     * that divides the row}
     *
     * @param dim elements of a row, at least 1
     */
    public static int exponent(int dim) {
        return Integer.numberOfTrailingZeros(dim);
    }

    /**
     * {@return the magnitude from which on a rotated element is not scaled, so that turning it back
     * stays finite}
     *
     * @param dim elements of a row
     */
    public static float limit(int dim) {
        return Math.scalb(RowScale.LIMIT, -exponent(dim));
    }

    /**
     * Rotates a row in place, before it is quantised.
     *
     * @param row the elements, perhaps with room behind them
     * @param dim elements of the row
     */
    public static void rotate(float[] row, int dim) {
        int k = exponent(dim);
        add(row, dim, 1 << k);
        multiply(row, dim, Math.scalb(1f, k / 2 - k));
    }

    /**
     * Turns a row back in place.
     *
     * @param row the elements, perhaps with room behind them
     * @param dim elements of the row
     */
    public static void turnBack(float[] row, int dim) {
        int k = exponent(dim);
        add(row, dim, 1 << k);
        multiply(row, dim, Math.scalb(1f, -(k / 2)));
    }

    private static void add(float[] row, int dim, int block) {
        for (int h = 1; h < block; h *= 2) {
            for (int from = 0; from < dim; from += 2 * h) {
                for (int j = from; j < from + h; j++) {
                    float left = row[j];
                    float right = row[j + h];
                    row[j] = left + right;
                    row[j + h] = left - right;
                }
            }
        }
    }

    private static void multiply(float[] row, int dim, float factor) {
        for (int j = 0; j < dim; j++) {
            row[j] *= factor;
        }
    }
}
