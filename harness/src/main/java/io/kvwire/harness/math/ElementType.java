package io.kvwire.harness.math;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * How one number lies in memory: in a weight file or in a KV cache. Always little-endian, at any
 * alignment.
 *
 * <p>Loading is exact. Storing rounds to nearest, ties to even, as the hardware conversions do; a
 * NaN stays a NaN.
 */
public enum ElementType {
    /** IEEE 754 binary32. */
    FP32(4) {
        @Override
        public void load(MemorySegment source, long offset, float[] target, int at, int count) {
            MemorySegment.copy(source, FLOAT, offset, target, at, count);
        }

        @Override
        public void store(float[] source, int at, MemorySegment target, long offset, int count) {
            MemorySegment.copy(source, at, target, FLOAT, offset, count);
        }
    },

    /** The upper half of a binary32: 8 bits of exponent, 7 of fraction. */
    BF16(2) {
        @Override
        public void load(MemorySegment source, long offset, float[] target, int at, int count) {
            var bits = loadBits(source, offset, count);
            for (int i = 0; i < count; i++) {
                target[at + i] = fromBf16(bits[i]);
            }
        }

        @Override
        public void store(float[] source, int at, MemorySegment target, long offset, int count) {
            var bits = new short[count];
            for (int i = 0; i < count; i++) {
                bits[i] = toBf16(source[at + i]);
            }
            MemorySegment.copy(bits, 0, target, SHORT, offset, count);
        }
    },

    /** IEEE 754 binary16. */
    FP16(2) {
        @Override
        public void load(MemorySegment source, long offset, float[] target, int at, int count) {
            var bits = loadBits(source, offset, count);
            for (int i = 0; i < count; i++) {
                target[at + i] = Float.float16ToFloat(bits[i]);
            }
        }

        @Override
        public void store(float[] source, int at, MemorySegment target, long offset, int count) {
            var bits = new short[count];
            for (int i = 0; i < count; i++) {
                bits[i] = Float.floatToFloat16(source[at + i]);
            }
            MemorySegment.copy(bits, 0, target, SHORT, offset, count);
        }
    };

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int bytes;

    ElementType(int bytes) {
        this.bytes = bytes;
    }

    /** {@return the size of one element, in bytes} */
    public int bytes() {
        return bytes;
    }

    /**
     * Reads elements as floats.
     *
     * @param source the memory to read
     * @param offset where the first element begins, in bytes
     * @param target receives the values
     * @param at index of the first value in {@code target}
     * @param count number of elements
     * @throws IndexOutOfBoundsException if either range leaves its memory
     */
    public abstract void load(MemorySegment source, long offset, float[] target, int at, int count);

    /**
     * Writes floats as elements, rounding to nearest even.
     *
     * @param source the values
     * @param at index of the first value in {@code source}
     * @param target the memory to write
     * @param offset where the first element begins, in bytes
     * @param count number of elements
     * @throws IndexOutOfBoundsException if either range leaves its memory
     */
    public abstract void store(
            float[] source, int at, MemorySegment target, long offset, int count);

    /**
     * Elements of two bytes, in an array: loops over a segment are compiled with checks before the
     * loop that may fail in the next one, and each time all is compiled anew, for ten seconds on
     * two cores.
     */
    private static short[] loadBits(MemorySegment source, long offset, int count) {
        var bits = new short[count];
        MemorySegment.copy(source, SHORT, offset, bits, 0, count);
        return bits;
    }

    /**
     * {@return the value of a BF16 number, exactly}
     *
     * @param bits its 16 bits
     */
    public static float fromBf16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /**
     * {@return the nearest BF16 number, ties to even}
     *
     * @param value any float; a NaN gives a quiet NaN
     */
    public static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) ((bits >>> 16) | 0x0040);
        }
        // Adding just under half of the last kept place, plus that place itself, carries exactly
        // when the dropped half rounds up; an overflow of the fraction lands in the exponent.
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }
}
