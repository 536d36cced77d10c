package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.Rows;
import io.kvwire.codec.rows.ScalarRowKernels;
import io.kvwire.codec.simd.VectorRowKernels;
import io.kvwire.transport.DType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.IntFunction;

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

    /** Every BF16 number below each largest magnitude of one binary order. */
    @Test
    void allRowsOfBf16AreEncodedAsADivisionWould() {
        for (int fraction = 0; fraction < 128; fraction++) {
            int largest = 127 << 7 | fraction;
            // From the magnitude that gets the code 0, 9 orders below.
            int count = 9 * 128 + fraction;
            int dim = Math.ceilDiv(count, 64) * 64;
            var elements = new byte[2 * dim];
            var buffer = ByteBuffer.wrap(elements).order(ByteOrder.LITTLE_ENDIAN);
            for (int i = 0; i < dim; i++) {
                buffer.putShort(2 * i, (short) ((largest - i) | (i & 1) << 15));
            }
            encodedAlike(new Rows().shape(DType.BF16, dim, false), elements, 0);
        }
    }

    @Test
    void rowsOutsideOfTheirMemoryAreRefused() {
        try (var arena = Arena.ofConfined()) {
            var elements = arena.allocate(4 * 256);
            var codes = arena.allocate(4 * 128);
            var rows = new Rows().shape(DType.BF16, 128, false).scales(arena.allocate(64), 0);
            assertRefused(rows.elements(5, elements, 0).codes(codes, 0));
            assertRefused(rows.elements(4, elements, 2).codes(codes, 0));
            assertRefused(rows.elements(4, elements, 0).codes(codes, 1));
            assertRefused(rows.elements(4, elements, -1).codes(codes, 0));
            assertRefused(rows.elements(4, elements, 0).scales(arena.allocate(64), 52));
        }
    }

    private static void assertRefused(Rows rows) {
        assertThrows(IndexOutOfBoundsException.class, () -> VECTOR.encode(rows));
        assertThrows(IndexOutOfBoundsException.class, () -> VECTOR.decode(rows));
    }

    private static void decodedAlike(Rows rows, Random random) {
        int count = 3;
        int shift = random.nextInt(8);
        var codes = new byte[count * rows.dim() + shift];
        random.nextBytes(codes);
        var scales = new byte[count * Float.BYTES];
        rows.codes(MemorySegment.ofArray(codes), shift).scales(MemorySegment.ofArray(scales), 0);
        int range = rows.halfScales() ? 40 : 250;
        int least = rows.halfScales() ? -24 : -126;
        for (int row = 0; row < count; row++) {
            // Up to where products are infinite; FP16 scales get to their own limits.
            rows.scale(row, Math.scalb(1 + random.nextFloat(), random.nextInt(range) + least));
        }
        var expected = new byte[count * rows.rowBytes() + shift];
        SCALAR.decode(rows.elements(count, MemorySegment.ofArray(expected), shift));
        try (var arena = Arena.ofConfined()) {
            IntFunction<MemorySegment> heap = bytes -> MemorySegment.ofArray(new byte[bytes]);
            IntFunction<MemorySegment> outside = bytes -> arena.allocate(bytes, 64);
            for (var room : List.of(heap, outside)) {
                var decoded = room.apply(expected.length);
                var from = room.apply(codes.length).copyFrom(MemorySegment.ofArray(codes));
                var by = room.apply(scales.length).copyFrom(MemorySegment.ofArray(scales));
                rows.codes(from, shift).scales(by, 0).elements(count, decoded, shift);
                VECTOR.decode(rows);
                assertArrayEquals(
                        expected,
                        decoded.toArray(ValueLayout.JAVA_BYTE),
                        () -> rows.dtype() + " of " + rows.dim());
            }
        }
    }

    private static void encodedAlike(Rows rows, byte[] elements, int shift) {
        try (var arena = Arena.ofConfined()) {
            IntFunction<MemorySegment> heap = bytes -> MemorySegment.ofArray(new byte[bytes]);
            IntFunction<MemorySegment> outside = bytes -> arena.allocate(bytes, 64);
            var expected = encoded(SCALAR, rows, elements, shift, heap);
            for (var room : List.of(heap, outside)) {
                assertArrayEquals(
                        expected,
                        encoded(VECTOR, rows, elements, shift, room),
                        () -> rows.dtype() + " of " + rows.dim());
            }
        }
    }

    /** Codes and scales, and behind them how many rows have none. */
    private static byte[] encoded(
            RowKernels kernels,
            Rows rows,
            byte[] elements,
            int shift,
            IntFunction<MemorySegment> room) {
        int count = elements.length / rows.rowBytes();
        var source = room.apply(elements.length + shift);
        MemorySegment.copy(MemorySegment.ofArray(elements), 0, source, shift, elements.length);
        int codeBytes = count * rows.dim() + shift;
        var codes = room.apply(codeBytes);
        var scales = room.apply(count * Float.BYTES);
        rows.elements(count, source, shift).codes(codes, shift).scales(scales, 0);
        int unscaled = kernels.encode(rows);
        var all = Arrays.copyOf(codes.toArray(ValueLayout.JAVA_BYTE), codeBytes + 4 * count + 1);
        MemorySegment.copy(scales, ValueLayout.JAVA_BYTE, 0, all, codeBytes, 4 * count);
        all[all.length - 1] = (byte) unscaled;
        return all;
    }
}
