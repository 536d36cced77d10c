package io.kvwire.harness.weights;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.Arrays;
import java.util.stream.IntStream;

/** A seed means the same weights everywhere. */
class SeededWeightsTest {

    @Test
    void valuesAreThoseOfTheDocumentedGenerator() {
        // From a Python program written after the class comment.
        assertArrayEquals(
                new float[] {-0.053653628f, 0.09976779f, -0.123819545f, -0.0340326f},
                Arrays.copyOf(
                        row(new SeededWeights(42), "model.layers.0.mlp.up_proj.weight", 1), 4));
    }

    @Test
    void rowsDoNotDependOnTheOrderOfReading() {
        var matrix = new SeededWeights(1).matrix("a", 8, 5);
        var first = new float[5];
        matrix.read(6, first);
        IntStream.range(0, 8).forEach(row -> matrix.read(row, new float[5]));
        var second = new float[5];
        matrix.read(6, second);
        assertArrayEquals(first, second);
    }

    @Test
    void seedsNamesAndRowsDiffer() {
        var base = row(new SeededWeights(1), "a", 0);
        assertFalse(Arrays.equals(base, row(new SeededWeights(2), "a", 0)));
        assertFalse(Arrays.equals(base, row(new SeededWeights(1), "b", 0)));
        assertFalse(Arrays.equals(base, row(new SeededWeights(1), "a", 1)));
    }

    @Test
    void valuesHaveMeanZeroAndTheVarianceOfOneOverTheColumns() {
        int columns = 300;
        var matrix = new SeededWeights(9).matrix("w", 1_000, columns);
        var row = new float[columns];
        double sum = 0;
        double squares = 0;
        for (int r = 0; r < 1_000; r++) {
            matrix.read(r, row);
            for (float value : row) {
                assertTrue(Math.abs(value) <= Math.sqrt(3.0 / columns));
                sum += value;
                squares += value * value;
            }
        }
        int count = 1_000 * columns;
        assertEquals(0, sum / count, 0.001);
        assertEquals(1.0 / columns, squares / count, 0.01 / columns);
    }

    @Test
    void vectorsAreAllOnes() {
        assertArrayEquals(new float[] {1, 1, 1}, new SeededWeights(1).vector("norm", 3));
    }

    private static float[] row(Weights weights, String name, int row) {
        var target = new float[64];
        weights.matrix(name, 8, 64).read(row, target);
        return target;
    }
}
