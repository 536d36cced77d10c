package io.kvwire.harness.simd;

import io.kvwire.harness.math.Exp;
import io.kvwire.harness.math.FloatRows;
import io.kvwire.harness.math.Kernels;
import io.kvwire.harness.math.Panels;
import io.kvwire.harness.math.ScalarKernels;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels on the Vector API, for vectors of 128, 256 or 512 bits. Bit for bit equal to {@link
 * ScalarKernels}: the vectors only do several outputs, or several of the sixteen lanes of a sum, at
 * once. Stateless.
 *
 * <p>Loading this class fails with {@link NoClassDefFoundError} where the module {@code
 * jdk.incubator.vector} is absent; {@code KernelChoice} decides.
 */
public final class VectorKernels implements Kernels {
    static final VectorSpecies<Float> SPECIES = species();
    static final int LENGTH = SPECIES.length();

    /** Creates the kernels. */
    public VectorKernels() {}

    private static VectorSpecies<Float> species() {
        var preferred = FloatVector.SPECIES_PREFERRED;
        // Sixteen lanes make a sum, so no vector may be longer than that.
        return preferred.length() > LANES ? FloatVector.SPECIES_512 : preferred;
    }

    /** {@return whether the processor has vectors that these kernels profit from} */
    public static boolean worthwhile() {
        return LENGTH >= 4;
    }

    @Override
    public String name() {
        return "vector-" + SPECIES.vectorBitSize();
    }

    @Override
    public void multiply(FloatRows x, Panels w, FloatRows y, int kBegin, int kEnd) {
        PanelProduct.multiply(x, w, y, kBegin, kEnd);
    }

    @Override
    public void rmsNorm(FloatRows x, float[] weight, float epsilon, FloatRows y) {
        var lanes = new float[LANES];
        for (int r = 0; r < x.count(); r++) {
            squares(x.data(), x.at(r), weight.length, lanes);
            float scale =
                    ScalarKernels.inverseRoot(ScalarKernels.total(lanes), weight.length, epsilon);
            scale(x.slice(r, r + 1), scale, weight, y.slice(r, r + 1));
        }
    }

    private static void squares(float[] x, int at, int count, float[] lanes) {
        int whole = count - count % LANES;
        for (int lane = 0; lane < LANES; lane += LENGTH) {
            var sum = FloatVector.zero(SPECIES);
            for (int i = lane; i < whole; i += LANES) {
                var value = FloatVector.fromArray(SPECIES, x, at + i);
                sum = value.fma(value, sum);
            }
            sum.intoArray(lanes, lane);
        }
        for (int i = whole; i < count; i++) {
            float value = x[at + i];
            lanes[i - whole] = Math.fma(value, value, lanes[i - whole]);
        }
    }

    private static void scale(FloatRows x, float scale, float[] weight, FloatRows y) {
        int from = x.offset();
        int to = y.offset();
        int i = 0;
        for (; i + LENGTH <= weight.length; i += LENGTH) {
            FloatVector.fromArray(SPECIES, x.data(), from + i)
                    .mul(scale)
                    .mul(FloatVector.fromArray(SPECIES, weight, i))
                    .intoArray(y.data(), to + i);
        }
        for (; i < weight.length; i++) {
            y.data()[to + i] = x.data()[from + i] * scale * weight[i];
        }
    }

    @Override
    public float expSum(float[] values, int at, int count) {
        float maximum = maximum(values, at, count);
        var lanes = new float[LANES];
        int whole = count - count % LANES;
        for (int lane = 0; lane < LANES; lane += LENGTH) {
            var sum = FloatVector.zero(SPECIES);
            for (int i = lane; i < whole; i += LANES) {
                var e = exp(FloatVector.fromArray(SPECIES, values, at + i).sub(maximum));
                e.intoArray(values, at + i);
                sum = sum.add(e);
            }
            sum.intoArray(lanes, lane);
        }
        for (int i = whole; i < count; i++) {
            float e = Exp.exp(values[at + i] - maximum);
            values[at + i] = e;
            lanes[i - whole] += e;
        }
        return ScalarKernels.total(lanes);
    }

    private static float maximum(float[] values, int at, int count) {
        var largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
        int i = 0;
        for (; i + LENGTH <= count; i += LENGTH) {
            largest = largest.max(FloatVector.fromArray(SPECIES, values, at + i));
        }
        float maximum = largest.reduceLanes(VectorOperators.MAX);
        for (; i < count; i++) {
            maximum = Math.max(maximum, values[at + i]);
        }
        return maximum;
    }

    @Override
    public void siluMultiply(FloatRows gate, FloatRows up, FloatRows y, int columns) {
        int whole = columns - columns % LENGTH;
        for (int r = 0; r < y.count(); r++) {
            int gateAt = gate.at(r);
            int upAt = up.at(r);
            int to = y.at(r);
            for (int c = 0; c < whole; c += LENGTH) {
                var g = FloatVector.fromArray(SPECIES, gate.data(), gateAt + c);
                var u = FloatVector.fromArray(SPECIES, up.data(), upAt + c);
                g.div(exp(g.neg()).add(1f)).mul(u).intoArray(y.data(), to + c);
            }
            for (int c = whole; c < columns; c++) {
                float g = gate.data()[gateAt + c];
                y.data()[to + c] = g / (1f + Exp.exp(-g)) * up.data()[upAt + c];
            }
        }
    }

    private static FloatVector exp(FloatVector x) {
        var rounder = FloatVector.broadcast(SPECIES, Exp.ROUNDER);
        var shifted = x.fma(FloatVector.broadcast(SPECIES, Exp.LOG2_E), rounder);
        var n = shifted.sub(rounder);
        var r = n.fma(FloatVector.broadcast(SPECIES, Exp.MINUS_LN2_HIGH), x);
        r = n.fma(FloatVector.broadcast(SPECIES, Exp.MINUS_LN2_LOW), r);
        var p =
                FloatVector.broadcast(SPECIES, Exp.C5)
                        .fma(r, FloatVector.broadcast(SPECIES, Exp.C4))
                        .fma(r, FloatVector.broadcast(SPECIES, Exp.C3))
                        .fma(r, FloatVector.broadcast(SPECIES, Exp.C2))
                        .fma(r, FloatVector.broadcast(SPECIES, Exp.C1))
                        .fma(r, FloatVector.broadcast(SPECIES, Exp.C0));
        var y = p.fma(r.mul(r), r).add(1f);
        var exponent = shifted.reinterpretAsInts().sub(Float.floatToRawIntBits(Exp.ROUNDER));
        var half = exponent.lanewise(VectorOperators.ASHR, 1);
        var rest = exponent.sub(half);
        var first = half.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
        var second = rest.add(127).lanewise(VectorOperators.LSHL, 23).reinterpretAsFloats();
        return y.mul(first)
                .mul(second)
                .blend(0f, x.compare(VectorOperators.LT, Exp.LOWEST))
                .blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, Exp.HIGHEST));
    }
}
