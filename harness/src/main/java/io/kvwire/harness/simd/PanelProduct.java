package io.kvwire.harness.simd;

import io.kvwire.harness.math.FloatRows;
import io.kvwire.harness.math.Panels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

import java.util.Arrays;

/**
 * The matrix product of {@link VectorKernels}. Outputs are computed in tiles that stay in
 * registers; the columns are walked in stretches so that the piece of a panel in use stays in the
 * first-level cache while all rows pass by. Neither changes the order in which an output takes its
 * terms.
 */
final class PanelProduct {
    private static final VectorSpecies<Float> SPECIES = VectorKernels.SPECIES;
    private static final int LENGTH = VectorKernels.LENGTH;

    /** Columns walked at once: 256 columns of a panel are 32 KiB. */
    private static final int STRETCH = 256;

    private static final int TILE_ROWS = 4;

    private PanelProduct() {}

    static void multiply(FloatRows x, Panels w, FloatRows y, int kBegin, int kEnd) {
        if (kBegin == 0) {
            for (int r = 0; r < x.count(); r++) {
                Arrays.fill(y.data(), y.at(r), y.at(r) + w.count() * Panels.WIDTH, 0f);
            }
        }
        for (int k = kBegin; k < kEnd; k += STRETCH) {
            int end = Math.min(k + STRETCH, kEnd);
            for (int p = 0; p < w.count(); p++) {
                for (int c = 0; c < Panels.WIDTH; c += 2 * LENGTH) {
                    int from = w.at(p) + k * Panels.WIDTH + c;
                    columnPair(x.shift(k), w.data(), from, y.shift(p * Panels.WIDTH + c), end - k);
                }
            }
        }
    }

    /** All rows of two vectors' worth of outputs, over one stretch of columns. */
    private static void columnPair(FloatRows x, float[] w, int wAt, FloatRows y, int count) {
        int r = 0;
        for (; r + TILE_ROWS <= x.count(); r += TILE_ROWS) {
            fourRows(x.data(), x.at(r), x.stride(), w, wAt, y.data(), y.at(r), y.stride(), count);
        }
        for (; r < x.count(); r++) {
            oneRow(x.data(), x.at(r), w, wAt, y.data(), y.at(r), count);
        }
    }

    // Nine parameters: the innermost loop takes bare arrays and indices, which the compiler keeps
    // in registers; a view per tile would have to be scalar-replaced first.
    private static void fourRows(
            float[] x,
            int xAt,
            int xStride,
            float[] w,
            int wAt,
            float[] y,
            int yAt,
            int yStride,
            int count) {
        var a0 = FloatVector.fromArray(SPECIES, y, yAt);
        var b0 = FloatVector.fromArray(SPECIES, y, yAt + LENGTH);
        var a1 = FloatVector.fromArray(SPECIES, y, yAt + yStride);
        var b1 = FloatVector.fromArray(SPECIES, y, yAt + yStride + LENGTH);
        var a2 = FloatVector.fromArray(SPECIES, y, yAt + 2 * yStride);
        var b2 = FloatVector.fromArray(SPECIES, y, yAt + 2 * yStride + LENGTH);
        var a3 = FloatVector.fromArray(SPECIES, y, yAt + 3 * yStride);
        var b3 = FloatVector.fromArray(SPECIES, y, yAt + 3 * yStride + LENGTH);
        int x1 = xAt + xStride;
        int x2 = x1 + xStride;
        int x3 = x2 + xStride;
        for (int k = 0; k < count; k++) {
            var wa = FloatVector.fromArray(SPECIES, w, wAt + k * Panels.WIDTH);
            var wb = FloatVector.fromArray(SPECIES, w, wAt + k * Panels.WIDTH + LENGTH);
            var f0 = FloatVector.broadcast(SPECIES, x[xAt + k]);
            a0 = f0.fma(wa, a0);
            b0 = f0.fma(wb, b0);
            var f1 = FloatVector.broadcast(SPECIES, x[x1 + k]);
            a1 = f1.fma(wa, a1);
            b1 = f1.fma(wb, b1);
            var f2 = FloatVector.broadcast(SPECIES, x[x2 + k]);
            a2 = f2.fma(wa, a2);
            b2 = f2.fma(wb, b2);
            var f3 = FloatVector.broadcast(SPECIES, x[x3 + k]);
            a3 = f3.fma(wa, a3);
            b3 = f3.fma(wb, b3);
        }
        a0.intoArray(y, yAt);
        b0.intoArray(y, yAt + LENGTH);
        a1.intoArray(y, yAt + yStride);
        b1.intoArray(y, yAt + yStride + LENGTH);
        a2.intoArray(y, yAt + 2 * yStride);
        b2.intoArray(y, yAt + 2 * yStride + LENGTH);
        a3.intoArray(y, yAt + 3 * yStride);
        b3.intoArray(y, yAt + 3 * yStride + LENGTH);
    }

    private static void oneRow(
            float[] x, int xAt, float[] w, int wAt, float[] y, int yAt, int count) {
        var a = FloatVector.fromArray(SPECIES, y, yAt);
        var b = FloatVector.fromArray(SPECIES, y, yAt + LENGTH);
        for (int k = 0; k < count; k++) {
            var factor = FloatVector.broadcast(SPECIES, x[xAt + k]);
            a = factor.fma(FloatVector.fromArray(SPECIES, w, wAt + k * Panels.WIDTH), a);
            b = factor.fma(FloatVector.fromArray(SPECIES, w, wAt + k * Panels.WIDTH + LENGTH), b);
        }
        a.intoArray(y, yAt);
        b.intoArray(y, yAt + LENGTH);
    }
}
