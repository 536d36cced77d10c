package io.kvwire.harness.xpu;

import io.kvwire.harness.math.PackedMatrix;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * A matrix in memory of the device, in the panels of {@link PackedMatrix}; as BF16 where every
 * weight is one, which halves what a product reads and changes no bit of it.
 *
 * @param memory the weights
 * @param bf16 whether they are BF16 rather than FP32
 * @param rows outputs of a product
 * @param columns inputs of a product
 */
record Matrix(Engine.Memory memory, boolean bf16, int rows, int columns) implements AutoCloseable {
    private static final int LOWER_HALF = 0xFFFF;

    static Matrix upload(Engine engine, PackedMatrix matrix) {
        float[] weights = matrix.panels().data();
        boolean halves = true;
        for (int i = 0; halves && i < weights.length; i++) {
            halves = (Float.floatToRawIntBits(weights[i]) & LOWER_HALF) == 0;
        }
        var memory = halves ? uploadHalves(engine, weights) : upload(engine, weights);
        return new Matrix(memory, halves, matrix.rows(), matrix.columns());
    }

    static Engine.Memory upload(Engine engine, float... values) {
        try (var arena = Arena.ofConfined()) {
            return upload(engine, arena.allocateFrom(ValueLayout.JAVA_FLOAT, values));
        }
    }

    private static Engine.Memory uploadHalves(Engine engine, float[] weights) {
        try (var arena = Arena.ofConfined()) {
            var halves = arena.allocate(ValueLayout.JAVA_SHORT, weights.length);
            for (int i = 0; i < weights.length; i++) {
                int bits = Float.floatToRawIntBits(weights[i]);
                halves.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (bits >>> 16));
            }
            return upload(engine, halves);
        }
    }

    private static Engine.Memory upload(Engine engine, MemorySegment values) {
        var memory = engine.memory(values.byteSize());
        try {
            engine.write(values, memory);
            engine.finish();
        } catch (RuntimeException | Error e) {
            memory.close();
            throw e;
        }
        return memory;
    }

    @Override
    public void close() {
        memory.close();
    }
}
