package io.kvwire.harness.math;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;

/** Numbers in memory: exact when read, rounded to nearest even when written. */
class ElementTypeTest {

    @ParameterizedTest
    @EnumSource
    void everyValueThatATypeCanHoldSurvives(ElementType type) {
        var memory = MemorySegment.ofArray(new byte[4 * 65_536 + 1]);
        var value = new float[1];
        var back = new float[1];
        for (int bits = 0; bits < 65_536; bits++) {
            // For FP32 these are the floats whose lower half is zero.
            short half = (short) bits;
            value[0] =
                    type == ElementType.FP16
                            ? Float.float16ToFloat(half)
                            : ElementType.fromBf16(half);
            type.store(value, 0, memory, 1, 1);
            type.load(memory, 1, back, 0, 1);
            assertEquals(value[0], back[0]);
        }
    }

    @Test
    void bf16TakesTheNearestNeighbourAndTheEvenOneOfTwo() {
        var random = new Random(7);
        for (int i = 0; i < 200_000; i++) {
            float value = Float.intBitsToFloat(random.nextInt());
            if (Float.isNaN(value) || Math.abs(value) > 3.3e38f) {
                continue;
            }
            float rounded = ElementType.fromBf16(ElementType.toBf16(value));
            int bits = Float.floatToRawIntBits(value) & 0xFFFF0000;
            double below = Float.intBitsToFloat(bits);
            double above = Float.intBitsToFloat(bits + 0x10000);
            double toBelow = Math.abs(value - below);
            double toAbove = Math.abs(value - above);
            boolean evenBelow = ((bits >>> 16) & 1) == 0;
            boolean down = toBelow < toAbove || (toBelow == toAbove && evenBelow);
            assertEquals((float) (down ? below : above), rounded);
        }
    }

    @Test
    void bf16KeepsInfinitiesAndNansAndOverflowsToInfinity() {
        assertEquals((short) 0x7F80, ElementType.toBf16(Float.POSITIVE_INFINITY));
        assertEquals((short) 0xFF80, ElementType.toBf16(Float.NEGATIVE_INFINITY));
        assertEquals((short) 0x7F80, ElementType.toBf16(Float.MAX_VALUE));
        assertEquals((short) 0x3F80, ElementType.toBf16(Float.intBitsToFloat(0x3F808000)));
        assertEquals((short) 0x3F82, ElementType.toBf16(Float.intBitsToFloat(0x3F818000)));
        float signalling = Float.intBitsToFloat(0x7F800001);
        assertTrue(Float.isNaN(ElementType.fromBf16(ElementType.toBf16(signalling))));
    }

    @ParameterizedTest
    @EnumSource
    void numbersAreLittleEndianAndReachOnlyTheirOwnBytes(ElementType type) {
        var bytes = new byte[16];
        Arrays.fill(bytes, (byte) 0x55);
        type.store(new float[] {9, 1f, 9}, 1, MemorySegment.ofArray(bytes), 3, 1);
        var expected = new byte[16];
        Arrays.fill(expected, (byte) 0x55);
        byte[] one =
                switch (type) {
                    case FP32 -> new byte[] {0, 0, (byte) 0x80, 0x3F};
                    case BF16 -> new byte[] {(byte) 0x80, 0x3F};
                    case FP16 -> new byte[] {0, 0x3C};
                };
        System.arraycopy(one, 0, expected, 3, one.length);
        assertArrayEquals(expected, bytes);
    }

    @ParameterizedTest
    @EnumSource
    void aRangePastTheEndIsRefused(ElementType type) {
        var memory = MemorySegment.ofArray(new byte[8]);
        assertThrows(
                IndexOutOfBoundsException.class,
                () -> type.load(memory, 9 - type.bytes(), new float[1], 0, 1));
        assertThrows(
                IndexOutOfBoundsException.class,
                () -> type.store(new float[1], 0, memory, 9 - type.bytes(), 1));
    }
}
