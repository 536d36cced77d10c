package io.kvwire.codec.rows;

import io.kvwire.transport.DType;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Elements in memory, little-endian at any address, as binary32 numbers. */
public final class Elements {
    static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfInt INT =
            ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private static final float MOST_FLOAT16 = 65504;

    private Elements() {}

    /**
     * {@return an element, widened, which is exact}
     *
     * @param dtype FP32, FP16 or BF16
     * @param memory that holds it
     * @param at its start, in bytes
     */
    public static float load(DType dtype, MemorySegment memory, long at) {
        return switch (dtype) {
            case FP32 -> memory.get(FLOAT, at);
            case FP16 -> Float.float16ToFloat(memory.get(SHORT, at));
            case BF16 -> Float.intBitsToFloat(memory.get(SHORT, at) << 16);
            case FP8_E4M3, FP8_E5M2, INT8 -> throw noFloat(dtype);
        };
    }

    /**
     * Stores an element, rounded to nearest, ties to even; to FP16, what would come to be infinite
     * becomes the largest finite number.
     *
     * @param dtype FP32, FP16 or BF16
     * @param memory to hold it
     * @param at its start, in bytes
     * @param value no NaN
     */
    public static void store(DType dtype, MemorySegment memory, long at, float value) {
        switch (dtype) {
            case FP32 -> memory.set(FLOAT, at, value);
            case FP16 -> memory.set(SHORT, at, float16(value));
            case BF16 -> memory.set(SHORT, at, bfloat16(value));
            case FP8_E4M3, FP8_E5M2, INT8 -> throw noFloat(dtype);
        }
    }

    /**
     * {@return the FP16 number next to a binary32 one, ties to even, none of them infinite}
     *
     * @param value no NaN
     */
    public static short float16(float value) {
        return Float.floatToFloat16(Math.max(-MOST_FLOAT16, Math.min(MOST_FLOAT16, value)));
    }

    /**
     * {@return the upper half of a binary32 number, rounded; the carry may go up to infinity}
     *
     * @param value no NaN
     */
    public static short bfloat16(float value) {
        int bits = Float.floatToRawIntBits(value);
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }

    private static IllegalArgumentException noFloat(DType dtype) {
        return new IllegalArgumentException(dtype + " elements are not scaled");
    }
}
