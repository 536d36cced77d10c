package io.kvwire.harness.quality;

import io.kvwire.harness.model.LlamaConfig;
import io.kvwire.harness.weights.Weights;

/**
 * The weights of a model that computes the same, with one pair of channels in each head's keys made
 * larger and in its queries smaller by a power of two: the shape of the keys of models such as
 * Qwen2.5. The rotary embedding turns the two channels into one another, so it commutes with the
 * factor, and a power of two changes no mantissa.
 */
record OutlierKeys(Weights plain, LlamaConfig config, float factor) implements Weights {

    OutlierKeys {
        if (Math.scalb(1f, Math.getExponent(factor)) != factor) {
            throw new IllegalArgumentException("factor " + factor + ": need a power of two");
        }
    }

    @Override
    public Matrix matrix(String name, int rows, int columns) {
        var matrix = plain.matrix(name, rows, columns);
        if (name.endsWith("self_attn.k_proj.weight")) {
            return scaled(matrix, columns, factor);
        }
        return name.endsWith("self_attn.q_proj.weight")
                ? scaled(matrix, columns, 1 / factor)
                : matrix;
    }

    private Matrix scaled(Matrix matrix, int columns, float by) {
        int half = config.headDim() / 2;
        return (row, target) -> {
            matrix.read(row, target);
            // The slowest pair of the rotary embedding, where such biases are found.
            if (row % half == half - 1) {
                for (int i = 0; i < columns; i++) {
                    target[i] *= by;
                }
            }
        };
    }

    @Override
    public float[] vector(String name, int size) {
        return plain.vector(name, size);
    }

    @Override
    public String describe() {
        return plain.describe() + " with outlier keys";
    }

    @Override
    public void close() {
        plain.close();
    }
}
