package io.kvwire.harness.kernels;

import io.kvwire.harness.math.PackedMatrix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A matrix in memory of the device, in the panels of {@link PackedMatrix}; as BF16 where every
 * weight is one, which halves what a product reads and changes no bit of it.
 *
 * @param buffer the weights
 * @param bf16 whether they are BF16 rather than FP32
 * @param rows outputs of a product
 * @param columns inputs of a product
 * @param <B> the device's buffers
 */
record Matrix<B>(B buffer, boolean bf16, int rows, int columns) {
    private static final int LOWER_HALF = 0xFFFF;

    static <B> Matrix<B> upload(KernelQueue<B> queue, PackedMatrix matrix) {
        float[] weights = matrix.panels().data();
        boolean halves = true;
        for (int i = 0; halves && i < weights.length; i++) {
            halves = (Float.floatToRawIntBits(weights[i]) & LOWER_HALF) == 0;
        }
        var buffer = halves ? uploadHalves(queue, weights) : upload(queue, weights);
        return new Matrix<>(buffer, halves, matrix.rows(), matrix.columns());
    }

    static <B> B upload(KernelQueue<B> queue, float... values) {
        try (var arena = Arena.ofConfined()) {
            return upload(queue, arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
        }
    }

    private static <B> B uploadHalves(KernelQueue<B> queue, float[] weights) {
        try (var arena = Arena.ofConfined()) {
            var halves = arena.allocate(ValueLayout.JAVA_SHORT, weights.length);
            for (int i = 0; i < weights.length; i++) {
                int bits = Float.floatToRawIntBits(weights[i]);
                halves.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (bits >>> 16));
            }
            return upload(queue, halves);
        }
    }

    private static <B> B upload(KernelQueue<B> queue, MemorySegment values) {
        var buffer = queue.allocate(values.byteSize());
        try {
            queue.write(values, buffer);
            queue.finish();
        } catch (RuntimeException | Error e) {
            queue.free(buffer);
            throw e;
        }
        return buffer;
    }
}
