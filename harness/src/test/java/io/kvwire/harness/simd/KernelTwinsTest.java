package io.kvwire.harness.simd;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.harness.math.Exp;
import io.kvwire.harness.math.FloatRows;
import io.kvwire.harness.math.Kernels;
import io.kvwire.harness.math.PackedMatrix;
import io.kvwire.harness.math.Panels;
import io.kvwire.harness.math.ScalarKernels;

import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;

import java.util.Arrays;
import java.util.Random;

/** The scalar kernels do what they say, and those on the Vector API give the same bits. */
class KernelTwinsTest {
    private final Kernels scalar = new ScalarKernels();
    private final Kernels vector = new VectorKernels();

    @Property(tries = 300)
    void aProductIsTheSumOfProductsAndEqualInBothTwins(
            @ForAll @IntRange(min = 1, max = 11) int rows,
            @ForAll @IntRange(min = 1, max = 150) int outputs,
            @ForAll @IntRange(min = 1, max = 600) int inputs,
            @ForAll long seed) {
        var random = new Random(seed);
        float[][] w = matrix(random, outputs, inputs);
        var packed = pack(w);
        var x = FloatRows.dense(floats(random, rows * inputs), inputs);
        var expected = product(scalar, x, packed);
        assertBits(expected.data(), product(vector, x, packed).data());
        for (int r = 0; r < rows; r++) {
            for (int o = 0; o < outputs; o++) {
                double sum = 0;
                double magnitude = 0;
                for (int k = 0; k < inputs; k++) {
                    double term = (double) x.data()[x.at(r) + k] * w[o][k];
                    sum += term;
                    magnitude += Math.abs(term);
                }
                // Each of the additions rounds once: a relative error of 2^-24 of what it holds.
                double bound = inputs * magnitude * 0x1p-24;
                assertEquals(sum, expected.data()[expected.at(r) + o], bound);
            }
        }
    }

    @Property(tries = 200)
    void aProductInPiecesOfColumnsRowsAndPanelsHasTheSameBits(
            @ForAll @IntRange(min = 2, max = 9) int rows,
            @ForAll @IntRange(min = 33, max = 130) int outputs,
            @ForAll @IntRange(min = 2, max = 600) int inputs,
            @ForAll long seed) {
        var random = new Random(seed);
        var packed = pack(matrix(random, outputs, inputs));
        var x = FloatRows.dense(floats(random, rows * inputs), inputs);
        var whole = product(scalar, x, packed);
        for (var kernels : new Kernels[] {scalar, vector}) {
            var y = outputs(rows, outputs);
            int row = 1 + random.nextInt(rows - 1);
            int panel = 1 + random.nextInt(packed.panels().count() - 1);
            int column = 1 + random.nextInt(inputs - 1);
            for (int[] rowRange : new int[][] {{0, row}, {row, rows}}) {
                var xPart = x.slice(rowRange[0], rowRange[1]);
                var yPart = y.slice(rowRange[0], rowRange[1]);
                int panels = packed.panels().count();
                for (int[] range : new int[][] {{0, panel}, {panel, panels}}) {
                    var wPart = packed.panels().slice(range[0], range[1]);
                    var target = yPart.shift(range[0] * Panels.WIDTH);
                    kernels.multiply(xPart, wPart, target, 0, column);
                    kernels.multiply(xPart, wPart, target, column, inputs);
                }
            }
            assertBits(whole.data(), y.data());
        }
    }

    @Property(tries = 300)
    void aNormDividesByTheRootOfTheMeanSquareAndIsEqualInBothTwins(
            @ForAll @IntRange(min = 1, max = 4) int rows,
            @ForAll @IntRange(min = 1, max = 300) int columns,
            @ForAll long seed) {
        var random = new Random(seed);
        var x = FloatRows.dense(floats(random, rows * columns), columns);
        var weight = floats(random, columns);
        var expected = FloatRows.dense(new float[rows * columns], columns);
        var actual = FloatRows.dense(new float[rows * columns], columns);
        scalar.rmsNorm(x, weight, 1e-5f, expected);
        vector.rmsNorm(x, weight, 1e-5f, actual);
        assertBits(expected.data(), actual.data());
        double squares = 0;
        for (int c = 0; c < columns; c++) {
            squares += (double) x.data()[c] * x.data()[c];
        }
        double exact = x.data()[0] / Math.sqrt(squares / columns + 1e-5) * weight[0];
        assertEquals(exact, actual.data()[0], Math.abs(exact) * 1e-5);
    }

    @Property(tries = 300)
    void softmaxSumsAreEqualInBothTwins(
            @ForAll @IntRange(min = 1, max = 500) int count,
            @ForAll @IntRange(min = 0, max = 40) int at,
            @ForAll @IntRange(min = 1, max = 200) int spread,
            @ForAll long seed) {
        var values = floats(new Random(seed), at + count);
        for (int i = 0; i < values.length; i++) {
            values[i] *= spread;
        }
        var copy = values.clone();
        double maximum = Double.NEGATIVE_INFINITY;
        for (int i = at; i < values.length; i++) {
            maximum = Math.max(maximum, values[i]);
        }
        double exact = 0;
        for (int i = at; i < values.length; i++) {
            exact += Math.exp(values[i] - maximum);
        }
        float expected = scalar.expSum(values, at, count);
        assertEquals(expected, vector.expSum(copy, at, count));
        assertBits(values, copy);
        assertEquals(exact, expected, exact * 1e-5);
    }

    @Property(tries = 300)
    void theGateIsEqualInBothTwins(
            @ForAll @IntRange(min = 1, max = 3) int rows,
            @ForAll @IntRange(min = 1, max = 200) int columns,
            @ForAll @IntRange(min = 1, max = 100) int spread,
            @ForAll long seed) {
        var both = floats(new Random(seed), rows * 2 * columns);
        for (int i = 0; i < both.length; i++) {
            both[i] *= spread;
        }
        var gate = FloatRows.dense(both, 2 * columns);
        var expected = FloatRows.dense(new float[rows * columns], columns);
        var actual = FloatRows.dense(new float[rows * columns], columns);
        scalar.siluMultiply(gate, gate.shift(columns), expected, columns);
        vector.siluMultiply(gate, gate.shift(columns), actual, columns);
        assertBits(expected.data(), actual.data());
        double g = both[0];
        double exact = g / (1 + Math.exp(-g)) * both[columns];
        assertEquals(exact, actual.data()[0], Math.abs(exact) * 1e-5 + 1e-30);
    }

    @Example
    void theExponentialIsWithinTwoUlpOverItsWholeRangeAndEqualInBothTwins() {
        float[] arguments = new float[400_000];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = -88f + i * (177f / arguments.length);
        }
        arguments[0] = Float.NEGATIVE_INFINITY;
        arguments[1] = -1e30f;
        arguments[2] = -0f;
        arguments[3] = 1e30f;
        arguments[4] = Exp.LOWEST;
        arguments[5] = Exp.HIGHEST;
        for (float x : arguments) {
            double exact = StrictMath.exp(x);
            float actual = Exp.exp(x);
            if (x < Exp.LOWEST) {
                assertEquals(0f, actual);
            } else if (x > Exp.HIGHEST) {
                assertEquals(Float.POSITIVE_INFINITY, actual);
            } else {
                assertEquals(exact, actual, 2 * Math.ulp((float) exact));
            }
        }
        // A gate of x and a value of 1 / x show exp(-x) in both twins, for arguments of any size.
        var ones = new float[arguments.length];
        Arrays.fill(ones, 1f);
        var expected = new float[arguments.length];
        var actual = new float[arguments.length];
        scalar.siluMultiply(row(arguments), row(ones), row(expected), arguments.length);
        vector.siluMultiply(row(arguments), row(ones), row(actual), arguments.length);
        assertBits(expected, actual);
    }

    @Example
    void notANumberComesOutAsNotANumber() {
        var values = new float[40];
        values[17] = Float.NaN;
        assertEquals(Float.NaN, scalar.expSum(values.clone(), 0, 40));
        assertEquals(Float.NaN, vector.expSum(values.clone(), 0, 40));
    }

    @Example
    void theLargestLogitWinsAndTiesGoToTheLowestId() {
        assertEquals(1, Kernels.argmax(new float[] {-3, 5, 5, 2}));
        assertEquals(0, Kernels.argmax(new float[] {Float.NEGATIVE_INFINITY}));
        assertEquals(-1, Kernels.argmax(new float[] {1, Float.NaN, 2}));
        assertEquals(-1, Kernels.argmax(new float[0]));
    }

    private static FloatRows product(Kernels kernels, FloatRows x, PackedMatrix w) {
        var y = outputs(x.count(), w.rows());
        kernels.multiply(x, w.panels(), y, 0, w.columns());
        return y;
    }

    /** Filled with a value that must not take part. */
    private static FloatRows outputs(int rows, int outputs) {
        var data = new float[rows * Panels.padded(outputs)];
        Arrays.fill(data, 1e30f);
        return FloatRows.dense(data, Panels.padded(outputs));
    }

    private static FloatRows row(float[] values) {
        return new FloatRows(values, 0, values.length, 1);
    }

    private static PackedMatrix pack(float[][] w) {
        return PackedMatrix.pack(
                w.length,
                w[0].length,
                (row, target) -> System.arraycopy(w[row], 0, target, 0, w[row].length));
    }

    private static float[][] matrix(Random random, int rows, int columns) {
        var matrix = new float[rows][];
        for (int r = 0; r < rows; r++) {
            matrix[r] = floats(random, columns);
        }
        return matrix;
    }

    private static float[] floats(Random random, int count) {
        var values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = 2 * random.nextFloat() - 1;
        }
        return values;
    }

    private static void assertBits(float[] expected, float[] actual) {
        assertArrayEquals(bits(expected), bits(actual));
    }

    private static int[] bits(float[] values) {
        var bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }
}
