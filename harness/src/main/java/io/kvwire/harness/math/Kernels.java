package io.kvwire.harness.math;

/**
 * The inner loops of the model, each with one defined order of operations.
 *
 * <p><b>Why the order is part of the contract.</b> Floating-point addition is not associative. A
 * split prefill/decode run is compared token by token with a run in one process, so a result must
 * not depend on the chunk size of a prefill, on the number of threads, on the layout of the cache,
 * or on the vector width. Every implementation gives the same bits:
 *
 * <ul>
 *   <li>{@link #multiply}: each output starts at +0 (or at its former value) and takes one fused
 *       multiply-add per {@code k}, in ascending {@code k};
 *   <li>sums over a row ({@link #rmsNorm}, {@link #expSum}): element {@code i} goes to lane {@code
 *       i mod} {@value #LANES}, in ascending {@code i}; then lanes {@code j} and {@code j + 8},
 *       {@code j + 4}, {@code j + 2}, {@code j + 1} are added, in this order;
 *   <li>the exponential is {@link Exp#exp}: the same polynomial everywhere;
 *   <li>all else is element-wise and correctly rounded.
 * </ul>
 *
 * <p>Implementations are stateless and safe to share between threads. Ranges are the caller's duty:
 * a view that leaves its array ends in {@link IndexOutOfBoundsException}.
 */
public interface Kernels {
    /** Lanes of a sum over a row. */
    int LANES = 16;

    /** {@return a short name for logs, for example {@code scalar} or {@code vector-512}} */
    String name();

    /**
     * {@code y[r][o] (+)= sum of x[r][k] * w[o][k]} for {@code k} in {@code [kBegin, kEnd)}.
     *
     * <p>With {@code kBegin} 0 the sum starts at +0; otherwise it goes on from the value in {@code
     * y}, so a product in several pieces equals one in a single piece.
     *
     * @param x the inputs, at least {@code kEnd} columns
     * @param w the matrix
     * @param y the outputs: as many rows as {@code x}, and {@link Panels#WIDTH} columns for each
     *     panel of {@code w}
     * @param kBegin first column
     * @param kEnd column after the last
     */
    void multiply(FloatRows x, Panels w, FloatRows y, int kBegin, int kEnd);

    /**
     * Root-mean-square normalisation: {@code y = x / sqrt(mean(x^2) + epsilon) * weight}.
     *
     * @param x the inputs, {@code weight.length} columns
     * @param weight one factor per column
     * @param epsilon keeps the root away from zero
     * @param y the outputs; may be {@code x}
     */
    void rmsNorm(FloatRows x, float[] weight, float epsilon, FloatRows y);

    /**
     * The two first thirds of a softmax: replaces each value by {@code exp(value - maximum)} and
     * returns their sum; dividing by it is left to the caller.
     *
     * @param values the array
     * @param at index of the first value
     * @param count number of values, at least 1
     * @return the sum, at least 1 unless a value is NaN
     */
    float expSum(float[] values, int at, int count);

    /**
     * The gate of a SwiGLU: {@code y = gate / (1 + exp(-gate)) * up}.
     *
     * @param gate the gates
     * @param up the values that pass
     * @param y the outputs; may be either input
     * @param columns columns of a row
     */
    void siluMultiply(FloatRows gate, FloatRows up, FloatRows y, int columns);

    /**
     * Adds a row onto another: {@code y += x}.
     *
     * @param x what to add
     * @param y the sums
     * @param columns columns of a row
     */
    default void add(FloatRows x, FloatRows y, int columns) {
        for (int r = 0; r < y.count(); r++) {
            int from = x.at(r);
            int to = y.at(r);
            for (int c = 0; c < columns; c++) {
                y.data()[to + c] += x.data()[from + c];
            }
        }
    }

    /**
     * Rotary position embedding of one head, in place, in the half-split convention of Hugging
     * Face: element {@code i} turns with element {@code i + half}.
     *
     * @param head the array that holds the head
     * @param at index of its first element
     * @param angles cosines, then sines: {@code half} of each
     * @param anglesAt index of the first cosine
     * @param half half of the head's dimension
     */
    default void rotate(float[] head, int at, float[] angles, int anglesAt, int half) {
        for (int i = 0; i < half; i++) {
            float cos = angles[anglesAt + i];
            float sin = angles[anglesAt + half + i];
            float a = head[at + i];
            float b = head[at + half + i];
            head[at + i] = a * cos - b * sin;
            head[at + half + i] = b * cos + a * sin;
        }
    }

    /**
     * {@return the index of the largest value, the lowest one among equals; -1 if there is a NaN or
     * no value}
     *
     * @param values the values
     */
    static int argmax(float[] values) {
        int best = -1;
        float largest = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < values.length; i++) {
            float value = values[i];
            if (Float.isNaN(value)) {
                return -1;
            }
            if (best < 0 || value > largest) {
                best = i;
                largest = value;
            }
        }
        return best;
    }
}
