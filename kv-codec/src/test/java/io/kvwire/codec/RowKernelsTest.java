package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.Rows;
import io.kvwire.codec.rows.ScalarRowKernels;
import io.kvwire.codec.simd.VectorRowKernels;
import io.kvwire.transport.DType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** The kernels on the Vector API against their scalar twin: the same bits, whatever the rows. */
class RowKernelsTest {
    private static final RowKernels SCALAR = new ScalarRowKernels();
    private static final RowKernels VECTOR = new VectorRowKernels();

    @Test
    void theFastestKernelsOfThisJvmAreChosen() {
        assertEquals(VECTOR.name(), KernelChoice.best().name());
    }

    /** Bits at random are numbers of all magnitudes, NaNs and infinities. */
    @ParameterizedTest
    @CsvSource({
        "BF16, false",
        "BF16, true",
        "FP16, false",
        "FP16, true",
        "FP32, false",
        "FP32, true"
    })
    void anyBitsInRowsOfAnyLengthAtAnyAddressAreEncodedAlike(DType dtype, boolean halfScales) {
        var random = new Random(42);
        for (int dim = 1; dim <= 300; dim++) {
            var rows = new Rows().shape(dtype, dim, halfScales);
            var elements = new byte[4 * rows.rowBytes()];
            random.nextBytes(elements);
            encodedAlike(rows, elements, random.nextInt(8));
            // Without large exponents, so that rows have scales.
            calm(dtype, elements);
            encodedAlike(rows, elements, random.nextInt(8));
        }
    }

    private static void calm(DType dtype, byte[] elements) {
        for (int i = dtype.bytes() - 1; i < elements.length; i += dtype.bytes()) {
            elements[i] &= (byte) (dtype == DType.FP16 ? 0xBB : 0xBF);
        }
    }

    /** As close to a tie between two codes as numbers come, on both sides of it. */
    @Test
    void quotientsNextToATieAreRoundedAsADivisionRounds() {
        var random = new Random(7);
        var rows = new Rows().shape(DType.FP32, 256, false);
        for (int attempt = 0; attempt < 4000; attempt++) {
            float largest = Math.scalb(1 + random.nextFloat(), random.nextInt(160) - 80);
            float scale = largest / 127;
            var values = new float[256];
            for (int i = 0; i < 256; i++) {
                float tie = (random.nextInt(253) - 126 + 0.5f) * scale;
                values[i] =
                        switch (random.nextInt(3)) {
                            case 0 -> Math.nextUp(tie);
                            case 1 -> Math.nextDown(tie);
                            default -> tie;
                        };
            }
            values[random.nextInt(256)] = largest;
            encodedAlike(rows, CodecRuns.elements(DType.FP32, values), 0);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "FP16"})
    void everyElementIsEncodedAlikeInARowOfEachMagnitude(DType dtype) {
        int bits = dtype == DType.BF16 ? 7 : 10;
        for (int exponent = 0; exponent < (1 << (15 - bits)); exponent++) {
            for (int fraction : new int[] {0, 1, (1 << (bits - 1)) + 1, (1 << bits) - 1}) {
                int largest = exponent << bits | fraction;
                var elements = new byte[2 * 1024];
                var buffer = ByteBuffer.wrap(elements).order(ByteOrder.LITTLE_ENDIAN);
                for (int i = 0; i < 1024; i++) {
                    int magnitude = Math.max(0, largest - i / 2);
                    buffer.putShort(2 * i, (short) (magnitude | (i & 1) << 15));
                }
                encodedAlike(new Rows().shape(dtype, 1024, false), elements, 0);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({
        "BF16, false",
        "BF16, true",
        "FP16, false",
        "FP16, true",
        "FP32, false",
        "FP32, true"
    })
    void anyCodesAndScalesAreDecodedAlike(DType dtype, boolean halfScales) {
        var random = new Random(43);
        for (int dim = 1; dim <= 300; dim++) {
            var rows = new Rows().shape(dtype, dim, halfScales);
            decodedAlike(rows, random);
        }
        var long_ = new Rows().shape(dtype, 254, halfScales);
        for (int i = 0; i < 2000; i++) {
            decodedAlike(long_, random);
        }
    }

    private static void decodedAlike(Rows rows, Random random) {
        int count = 3;
        int shift = random.nextInt(8);
        var codes = new byte[count * rows.dim() + shift];
        random.nextBytes(codes);
        var scales = new byte[count * Float.BYTES];
        rows.codes(MemorySegment.ofArray(codes), shift).scales(MemorySegment.ofArray(scales), 0);
        for (int row = 0; row < count; row++) {
            // Up to where products are infinite; FP16 scales get to their own limits.
            int exponent =
                    random.nextInt(rows.halfScales() ? 40 : 250) - (rows.halfScales() ? 24 : 126);
            rows.scale(row, Math.scalb(1 + random.nextFloat(), exponent));
        }
        var expected = new byte[count * rows.rowBytes() + shift];
        var decoded = expected.clone();
        SCALAR.decode(rows.elements(count, MemorySegment.ofArray(expected), shift));
        VECTOR.decode(rows.elements(count, MemorySegment.ofArray(decoded), shift));

        assertArrayEquals(expected, decoded, () -> rows.dtype() + " of " + rows.dim());
    }

    private static void encodedAlike(Rows rows, byte[] elements, int shift) {
        int count = elements.length / rows.rowBytes();
        var memory = MemorySegment.ofArray(new byte[elements.length + shift]);
        MemorySegment.copy(MemorySegment.ofArray(elements), 0, memory, shift, elements.length);
        rows.elements(count, memory, shift);
        var codes = new byte[2][count * rows.dim() + shift];
        var scales = new byte[2][count * Float.BYTES];
        var unscaled = new int[2];
        for (int i = 0; i < 2; i++) {
            rows.codes(MemorySegment.ofArray(codes[i]), shift);
            rows.scales(MemorySegment.ofArray(scales[i]), 0);
            unscaled[i] = (i == 0 ? SCALAR : VECTOR).encode(rows);
        }

        assertEquals(unscaled[0], unscaled[1]);
        assertArrayEquals(scales[0], scales[1], () -> rows.dtype() + " of " + rows.dim());
        assertArrayEquals(codes[0], codes[1], () -> rows.dtype() + " of " + rows.dim());
    }
}
