package io.kvwire.codec.rows;

/** How the scale of a row follows from its largest magnitude. */
public final class RowScale {
    /** What stands in place of the scale of a row that is kept as it is. */
    public static final float UNSCALED = 0f;

    /** The codes reach from minus this to this. */
    public static final int LARGEST_CODE = 127;

    /** The least scale: subnormal ones would have few digits, and their inverse no finite value. */
    public static final float LEAST = Float.MIN_NORMAL;

    /** Magnitudes from here on are not scaled: 127 times their scale may round to infinity. */
    public static final float LIMIT = 0x1p127f;

    private static final short HALF_INFINITY = 0x7C00;

    private RowScale() {}

    /**
     * {@return the scale, or {@link #UNSCALED}}
     *
     * @param largest the largest magnitude of the row; NaN or infinite when an element is
     * @param half whether the scale is stored as FP16, and so rounded up to one
     */
    public static float of(float largest, boolean half) {
        // The order of the comparison matters: it is false for NaN.
        if (!(largest < LIMIT)) {
            return UNSCALED;
        }
        float scale = Math.max(largest / LARGEST_CODE, LEAST);
        return half ? halfAbove(scale) : scale;
    }

    private static float halfAbove(float scale) {
        short nearest = Float.floatToFloat16(scale);
        if (Float.float16ToFloat(nearest) < scale) {
            nearest++;
        }
        return nearest == HALF_INFINITY ? UNSCALED : Float.float16ToFloat(nearest);
    }

    /**
     * {@return whether all elements of a row are finite and below a magnitude}
     *
     * @param row the elements, perhaps with room behind them
     * @param dim how many
     * @param limit the magnitude
     */
    public static boolean below(float[] row, int dim, float limit) {
        boolean below = true;
        for (int i = 0; i < dim; i++) {
            below &= Math.abs(row[i]) < limit;
        }
        return below;
    }
}
