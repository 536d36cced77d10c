package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;

/** What may be lost: the bounds that docs/spec/kv-frame.md states. */
class Int8BoundsTest {
    private static final int DIM = 128;

    private final Int8Codec codec = new Int8Codec(KvModel.UNKNOWN);

    @ParameterizedTest
    @EnumSource(names = {"BF16", "FP16", "FP32"})
    void anElementDiffersByHalfAScaleAtMost(DType dtype) {
        var slab = rows(dtype, 2000);
        var source = CodecRuns.elements(dtype, unevenly(2000 * DIM, 7));
        var frame = CodecRuns.encode(codec, slab, source);
        var decoded = CodecRuns.values(dtype, CodecRuns.decode(codec, slab, frame));
        var values = CodecRuns.values(dtype, source);
        for (int i = 0; i < values.length; i++) {
            double scale = scale(frame, values.length, i / DIM);
            double bound = scale / 2 * (1 + 1e-5);
            double exact = frame[FrameHeader.BYTES + i] * scale;

            assertTrue(Math.abs(values[i] - exact) <= bound, "element " + i + " of " + dtype);
            double rounding = rounding(dtype, exact);
            assertTrue(
                    Math.abs(values[i] - decoded[i]) <= bound + rounding,
                    "element " + i + " of " + dtype);
        }
    }

    private static double rounding(DType dtype, double x) {
        return switch (dtype) {
            case BF16 -> Math.abs(x) * 0x1p-8;
            case FP16 -> Math.max(Math.abs(x) * 0x1p-11, 0x1p-25);
            default -> Math.max(Math.abs(x) * 0x1p-24, 0x1p-150);
        };
    }

    /** Rows of many magnitudes, elements of one row spread over some of them. */
    private static float[] unevenly(int count, long seed) {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++) {
            int ofRow = i / DIM % 9 - 4;
            values[i] = Math.scalb((float) random.nextGaussian(), 2 * ofRow - random.nextInt(6));
        }
        return values;
    }

    @Test
    void gaussianElementsKeepTheirSignal() {
        int rows = 4096;
        var slab = rows(DType.BF16, rows);
        var source = CodecRuns.gaussian(slab, 11);
        var values = CodecRuns.values(DType.BF16, source);
        var frame = CodecRuns.encode(codec, slab, source);
        double signal = 0;
        double noise = 0;
        double product = 0;
        double ofDecoded = 0;
        double worst = Double.MAX_VALUE;
        for (int row = 0; row < rows; row++) {
            double rowSignal = 0;
            double rowNoise = 0;
            double scale = scale(frame, values.length, row);
            for (int i = row * DIM; i < (row + 1) * DIM; i++) {
                double decoded = frame[FrameHeader.BYTES + i] * scale;
                rowSignal += values[i] * values[i];
                rowNoise += (values[i] - decoded) * (values[i] - decoded);
                product += values[i] * decoded;
                ofDecoded += decoded * decoded;
            }
            signal += rowSignal;
            noise += rowNoise;
            worst = Math.min(worst, decibel(rowSignal / rowNoise));
        }
        double cosine = product / Math.sqrt(signal * ofDecoded);

        assertTrue(decibel(signal / noise) >= 43, "overall " + decibel(signal / noise));
        assertTrue(worst >= 37, "worst row " + worst);
        assertTrue(cosine >= 0.9999, "cosine " + cosine);
    }

    /**
     * A code is off by a uniform half step: a noise of scale^2 / 12, with 127 steps to the largest.
     */
    @Test
    void theSignalOverTheNoiseFollowsFromTheLargestMagnitude() {
        int rows = 4096;
        var slab = rows(DType.BF16, rows);
        var source = CodecRuns.gaussian(slab, 12);
        var values = CodecRuns.values(DType.BF16, source);
        var frame = CodecRuns.encode(codec, slab, source);
        double difference = 0;
        for (int row = 0; row < rows; row++) {
            double scale = scale(frame, values.length, row);
            double squares = 0;
            double noise = 0;
            double largest = 0;
            for (int i = row * DIM; i < (row + 1) * DIM; i++) {
                squares += values[i] * values[i];
                noise += Math.pow(values[i] - frame[FrameHeader.BYTES + i] * scale, 2);
                largest = Math.max(largest, Math.abs(values[i]));
            }
            double expected = 52.87 - 20 * Math.log10(largest / Math.sqrt(squares / DIM));
            difference += decibel(squares / noise) - expected;
        }
        assertEquals(0, difference / rows, 0.1);
    }

    /** Blocks of 16 tokens and 8 heads, header and padding included, and what longer frames get. */
    @ParameterizedTest
    @CsvSource({"128, 16, 1.93", "128, 1024, 1.939", "64, 16, 1.86", "64, 1024, 1.88"})
    void framesAreSmallerByARatioThatNeverReachesTwo(int dim, int tokens, double least) {
        var layout = KvLayout.builder().kvHeads(8).headDim(dim).build();
        var slab = CodecRuns.slab(layout, new TokenRange(0, tokens));
        var frame = CodecRuns.encode(codec, slab, CodecRuns.gaussian(slab, 1));
        double ratio = (double) slab.rawBytes() / frame.length;
        assertTrue(ratio >= least && ratio < 2 * dim / (dim + 4.0) + 1e-9, "ratio " + ratio);
    }

    private static double decibel(double ratio) {
        return 10 * Math.log10(ratio);
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "FP16", "FP32"})
    void whatWasDecodedIsEncodedToTheSameCodes(DType dtype) {
        var slab = rows(dtype, 3000);
        var once =
                CodecRuns.encode(codec, slab, CodecRuns.elements(dtype, unevenly(3000 * DIM, 3)));

        var twice = CodecRuns.encode(codec, slab, CodecRuns.decode(codec, slab, once));

        int end = FrameHeader.BYTES + 3000 * DIM;
        assertArrayEquals(
                Arrays.copyOfRange(once, FrameHeader.BYTES, end),
                Arrays.copyOfRange(twice, FrameHeader.BYTES, end));
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "FP16", "FP32"})
    void aRowOfZerosIsDecodedToZeros(DType dtype) {
        var slab = rows(dtype, 2);
        var source = new byte[(int) slab.rawBytes()];
        var negative = CodecRuns.elements(dtype, -0f);
        System.arraycopy(negative, 0, source, 5 * dtype.bytes(), dtype.bytes());

        var decoded = CodecRuns.decode(codec, slab, CodecRuns.encode(codec, slab, source));

        assertArrayEquals(new byte[source.length], decoded);
    }

    @ParameterizedTest
    @CsvSource({
        "BF16, 0x7FC0",
        "BF16, 0xFF81",
        "BF16, 0x7F80",
        "BF16, 0xFF80",
        "BF16, 0x7F00",
        "FP16, 0x7E00",
        "FP16, 0xFC01",
        "FP16, 0x7C00",
        "FP16, 0xFC00",
        "FP32, 0x7FC00000",
        "FP32, 0xFF800001",
        "FP32, 0x7F800000",
        "FP32, 0xFF800000",
        "FP32, 0x7F000000"
    })
    void aRowThatNoScaleFitsKeepsItsBitsAndTheFrameSaysSo(DType dtype, String bits) {
        var slab = rows(dtype, 6);
        int rowBytes = slab.layout().vectorBytes();
        for (int at : new int[] {0, 1, 31, 64, 127}) {
            var source = CodecRuns.gaussian(slab, at);
            var element = ByteBuffer.wrap(source).order(ByteOrder.LITTLE_ENDIAN);
            long value = Long.decode(bits);
            int offset = 2 * rowBytes + at * dtype.bytes();
            if (dtype == DType.FP32) {
                element.putInt(offset, (int) value);
            } else {
                element.putShort(offset, (short) value);
            }
            var frame = CodecRuns.encode(codec, slab, source);
            var decoded = CodecRuns.decode(codec, slab, frame);

            assertEquals(FrameHeader.FLAG_UNSCALED_ROWS, frame[8] & FrameHeader.FLAG_UNSCALED_ROWS);
            assertArrayEquals(
                    Arrays.copyOfRange(source, 2 * rowBytes, 3 * rowBytes),
                    Arrays.copyOfRange(decoded, 2 * rowBytes, 3 * rowBytes));
            var neighbours = CodecRuns.values(dtype, decoded);
            for (int i = 0; i < neighbours.length; i++) {
                assertTrue(i / DIM == 2 || Math.abs(neighbours[i]) < 10, "element " + i);
            }
        }
    }

    @ParameterizedTest
    @CsvSource({"1e-36", "4e-37", "1e-37", "1.5e-38", "1e-40", "1.4e-45"})
    void tinyRowsStayFiniteAndWithinTheirBound(float largest) {
        var slab = rows(DType.FP32, 1);
        var values = new float[DIM * 2];
        for (int i = 0; i < values.length; i++) {
            values[i] = largest * (i % 9 - 4) / 4;
        }
        values[3] = largest;
        var frame = CodecRuns.encode(codec, slab, CodecRuns.elements(DType.FP32, values));
        var decoded = CodecRuns.values(DType.FP32, CodecRuns.decode(codec, slab, frame));

        double scale = scale(frame, values.length, 0);
        assertTrue(scale >= Float.MIN_NORMAL, "scale " + scale);
        for (int i = 0; i < values.length; i++) {
            assertTrue(Math.abs(values[i] - decoded[i]) <= scale / 2 * (1 + 1e-5), "element " + i);
        }
    }

    @Test
    void theLargestMagnitudeHasTheLargestCodeAndTiesGoToEven() {
        var slab = rows(DType.FP32, 1);
        var values = new float[DIM * 2];
        values[0] = -127;
        values[1] = 0.5f;
        values[2] = 1.5f;
        values[3] = -2.5f;
        values[4] = -3.5f;
        values[5] = 126.5f;
        values[6] = Math.nextUp(2.5f);
        values[7] = Math.nextDown(3.5f);
        values[DIM] = 127;

        var frame = CodecRuns.encode(codec, slab, CodecRuns.elements(DType.FP32, values));

        assertArrayEquals(
                new byte[] {-127, 0, 2, -2, -4, 126, 3, 3},
                Arrays.copyOfRange(frame, FrameHeader.BYTES, FrameHeader.BYTES + 8));
        assertEquals(127, frame[FrameHeader.BYTES + DIM]);
    }

    @Test
    void latentsAreRowsOfTheirOwnWidth() {
        var layout = KvLayout.builder().headDim(576).form(KvForm.LATENT).tokensPerBlock(64).build();
        var slab = CodecRuns.slab(layout, new TokenRange(3, 100));
        var source = CodecRuns.gaussian(slab, 5);
        var frame = CodecRuns.encode(codec, slab, source);

        var decoded = CodecRuns.values(DType.BF16, CodecRuns.decode(codec, slab, frame));

        assertTrue((double) slab.rawBytes() / frame.length > 1.97);
        var values = CodecRuns.values(DType.BF16, source);
        for (int i = 0; i < values.length; i++) {
            assertEquals(values[i], decoded[i], 0.04, "element " + i);
        }
    }

    /** A slab of so many rows of K, and as many of V. */
    private static Slab rows(DType dtype, int ofBoth) {
        var layout = KvLayout.builder().headDim(DIM).dtype(dtype).tokensPerBlock(4096).build();
        return CodecRuns.slab(layout, new TokenRange(0, Math.ceilDiv(ofBoth, 2)));
    }

    private static float scale(byte[] frame, int codes, int row) {
        int at = FrameHeader.BYTES + Math.ceilDiv(codes, 64) * 64 + row * Float.BYTES;
        return ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN).getFloat(at);
    }
}
