package io.kvwire.harness.math;

/**
 * The exponential function on floats, from additions, multiplications and fused multiply-adds
 * alone, so that scalar, vector and device code agree to the last bit, which {@code Math.exp} does
 * not promise.
 *
 * <p>Method and constants are those of {@code expf} in the Cephes library: reduce by multiples of
 * ln 2 (in two parts), a polynomial of degree 5 on the rest, scale by a power of two. The error is
 * under 2 ulp. Arguments below {@value #LOWEST} give 0, above {@value #HIGHEST} infinity.
 */
public final class Exp {
    /** Below this argument, the result is 0: smaller ones would be subnormal. */
    public static final float LOWEST = -87.33654f;

    /** Above this argument, the result is infinity. */
    public static final float HIGHEST = 88.72283f;

    /** 1 / ln 2. */
    public static final float LOG2_E = 1.442695f;

    /** 1.5 * 2^23: adding it rounds to a whole number, found in the low bits of the sum. */
    public static final float ROUNDER = 12582912f;

    /** The part of ln 2 whose products with small whole numbers are exact, negated. */
    public static final float MINUS_LN2_HIGH = -0.6933594f;

    /** The rest of ln 2, negated. */
    public static final float MINUS_LN2_LOW = 2.1219444e-4f;

    /** Coefficients from the highest power on. */
    public static final float C5 = 1.9875691e-4f;

    /** Coefficient of the fourth power of the rest, after x^2 is taken out. */
    public static final float C4 = 1.3981999e-3f;

    /** Next coefficient. */
    public static final float C3 = 8.333452e-3f;

    /** Next coefficient. */
    public static final float C2 = 4.1665796e-2f;

    /** Next coefficient. */
    public static final float C1 = 0.16666666f;

    /** Last coefficient. */
    public static final float C0 = 0.5f;

    private Exp() {}

    /**
     * {@return e to the power of x}
     *
     * @param x any float; NaN gives NaN
     */
    public static float exp(float x) {
        if (x < LOWEST) {
            return 0f;
        }
        if (x > HIGHEST) {
            return Float.POSITIVE_INFINITY;
        }
        float shifted = Math.fma(x, LOG2_E, ROUNDER);
        float n = shifted - ROUNDER;
        float r = Math.fma(n, MINUS_LN2_LOW, Math.fma(n, MINUS_LN2_HIGH, x));
        float p = Math.fma(C5, r, C4);
        p = Math.fma(p, r, C3);
        p = Math.fma(p, r, C2);
        p = Math.fma(p, r, C1);
        p = Math.fma(p, r, C0);
        float y = Math.fma(p, r * r, r) + 1f;
        // Two steps, because 2^128 is no float although y * 2^128 may be one.
        int exponent = Float.floatToRawIntBits(shifted) - Float.floatToRawIntBits(ROUNDER);
        int half = exponent >> 1;
        return y * power(half) * power(exponent - half);
    }

    private static float power(int exponent) {
        return Float.intBitsToFloat((exponent + 127) << 23);
    }
}
