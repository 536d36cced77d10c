package io.kvwire.harness.math;

import java.util.Arrays;

/**
 * The kernels in plain Java: the definition that other implementations are compared with, and what
 * runs where the Vector API is not available. Stateless.
 */
public final class ScalarKernels implements Kernels {
    private static final int WIDTH = Panels.WIDTH;

    /** Creates the kernels. */
    public ScalarKernels() {}

    @Override
    public String name() {
        return "scalar";
    }

    @Override
    public void multiply(FloatRows x, Panels w, FloatRows y, int kBegin, int kEnd) {
        var sums = new float[WIDTH];
        for (int p = 0; p < w.count(); p++) {
            for (int r = 0; r < x.count(); r++) {
                int to = y.at(r) + p * WIDTH;
                for (int lane = 0; lane < WIDTH; lane++) {
                    sums[lane] = kBegin == 0 ? 0f : y.data()[to + lane];
                }
                addProducts(x.data(), x.at(r), w.data(), w.at(p), kBegin, kEnd, sums);
                System.arraycopy(sums, 0, y.data(), to, WIDTH);
            }
        }
    }

    // Seven parameters: the innermost loop, alone in a method so that it is compiled by itself.
    private static void addProducts(
            float[] x, int xAt, float[] w, int wAt, int kBegin, int kEnd, float[] sums) {
        for (int k = kBegin; k < kEnd; k++) {
            float factor = x[xAt + k];
            int column = wAt + k * WIDTH;
            for (int lane = 0; lane < WIDTH; lane++) {
                sums[lane] = Math.fma(factor, w[column + lane], sums[lane]);
            }
        }
    }

    @Override
    public void rmsNorm(FloatRows x, float[] weight, float epsilon, FloatRows y) {
        int columns = weight.length;
        var lanes = new float[LANES];
        for (int r = 0; r < x.count(); r++) {
            int from = x.at(r);
            int to = y.at(r);
            Arrays.fill(lanes, 0f);
            for (int c = 0; c < columns; c++) {
                float value = x.data()[from + c];
                lanes[c % LANES] = Math.fma(value, value, lanes[c % LANES]);
            }
            float scale = inverseRoot(total(lanes), columns, epsilon);
            for (int c = 0; c < columns; c++) {
                y.data()[to + c] = x.data()[from + c] * scale * weight[c];
            }
        }
    }

    /**
     * {@return the factor of a root-mean-square normalisation}
     *
     * @param sumOfSquares the sum of the row's squares
     * @param columns length of the row
     * @param epsilon keeps the root away from zero
     */
    public static float inverseRoot(float sumOfSquares, int columns, float epsilon) {
        return 1f / (float) Math.sqrt(sumOfSquares / columns + epsilon);
    }

    /**
     * {@return the sum of the lanes, in the order that {@link Kernels} fixes}
     *
     * @param lanes {@link Kernels#LANES} values; overwritten
     */
    public static float total(float[] lanes) {
        for (int distance = LANES / 2; distance > 0; distance /= 2) {
            for (int j = 0; j < distance; j++) {
                lanes[j] += lanes[j + distance];
            }
        }
        return lanes[0];
    }

    @Override
    public float expSum(float[] values, int at, int count) {
        float maximum = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < count; i++) {
            maximum = Math.max(maximum, values[at + i]);
        }
        var lanes = new float[LANES];
        for (int i = 0; i < count; i++) {
            float e = Exp.exp(values[at + i] - maximum);
            values[at + i] = e;
            lanes[i % LANES] += e;
        }
        return total(lanes);
    }

    @Override
    public void siluMultiply(FloatRows gate, FloatRows up, FloatRows y, int columns) {
        for (int r = 0; r < y.count(); r++) {
            for (int c = 0; c < columns; c++) {
                float g = gate.data()[gate.at(r) + c];
                float value = g / (1f + Exp.exp(-g));
                y.data()[y.at(r) + c] = value * up.data()[up.at(r) + c];
            }
        }
    }
}
