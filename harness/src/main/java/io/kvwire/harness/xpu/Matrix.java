package io.kvwire.harness.xpu;

import io.kvwire.ffi.opencl.Buffer;
import io.kvwire.ffi.opencl.CommandQueue;
import io.kvwire.ffi.opencl.Context;
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
 */
record Matrix(Buffer buffer, boolean bf16, int rows, int columns) implements AutoCloseable {
    private static final int LOWER_HALF = 0xFFFF;

    static Matrix upload(Context context, CommandQueue queue, PackedMatrix matrix) {
        float[] weights = matrix.panels().data();
        boolean halves = true;
        for (int i = 0; halves && i < weights.length; i++) {
            halves = (Float.floatToRawIntBits(weights[i]) & LOWER_HALF) == 0;
        }
        var buffer =
                halves ? uploadHalves(context, queue, weights) : upload(context, queue, weights);
        return new Matrix(buffer, halves, matrix.rows(), matrix.columns());
    }

    static Buffer upload(Context context, CommandQueue queue, float... values) {
        try (var arena = Arena.ofConfined()) {
            return upload(context, queue, arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
        }
    }

    private static Buffer uploadHalves(Context context, CommandQueue queue, float[] weights) {
        try (var arena = Arena.ofConfined()) {
            var halves = arena.allocate(ValueLayout.JAVA_SHORT, weights.length);
            for (int i = 0; i < weights.length; i++) {
                int bits = Float.floatToRawIntBits(weights[i]);
                halves.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (bits >>> 16));
            }
            return upload(context, queue, halves);
        }
    }

    private static Buffer upload(Context context, CommandQueue queue, MemorySegment values) {
        var buffer = context.buffer(values.byteSize());
        try (var written = queue.write(values, buffer, 0)) {
            written.await();
        } catch (RuntimeException | Error e) {
            buffer.close();
            throw e;
        }
        return buffer;
    }

    @Override
    public void close() {
        buffer.close();
    }
}
