package io.kvwire.harness.cuda;

import io.kvwire.ffi.cuda.DeviceBuffer;
import io.kvwire.ffi.cuda.Stream;
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
record Matrix(DeviceBuffer buffer, boolean bf16, int rows, int columns) implements AutoCloseable {
    private static final int LOWER_HALF = 0xFFFF;

    static Matrix upload(Stream stream, PackedMatrix matrix) {
        float[] weights = matrix.panels().data();
        boolean halves = true;
        for (int i = 0; halves && i < weights.length; i++) {
            halves = (Float.floatToRawIntBits(weights[i]) & LOWER_HALF) == 0;
        }
        var buffer = halves ? uploadHalves(stream, weights) : upload(stream, weights);
        return new Matrix(buffer, halves, matrix.rows(), matrix.columns());
    }

    static DeviceBuffer upload(Stream stream, float... values) {
        try (var arena = Arena.ofConfined()) {
            return upload(stream, arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
        }
    }

    private static DeviceBuffer uploadHalves(Stream stream, float[] weights) {
        try (var arena = Arena.ofConfined()) {
            var halves = arena.allocate(ValueLayout.JAVA_SHORT, weights.length);
            for (int i = 0; i < weights.length; i++) {
                int bits = Float.floatToRawIntBits(weights[i]);
                halves.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (bits >>> 16));
            }
            return upload(stream, halves);
        }
    }

    private static DeviceBuffer upload(Stream stream, MemorySegment values) {
        var buffer = stream.context().allocate(values.byteSize());
        try {
            stream.copyToDevice(values, buffer.address());
            stream.synchronize();
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
