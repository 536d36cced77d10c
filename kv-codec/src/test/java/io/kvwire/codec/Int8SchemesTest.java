package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.zip.CRC32C;

/** What the options do: each on ordinary elements, and on keys that need one. */
class Int8SchemesTest {
    private static final int DIM = 128;
    private static final int HEADS = 2;
    private static final int TOKENS = 64;
    private static final int ROW = DIM * Short.BYTES;
    private static final KvLayout LAYOUT =
            KvLayout.builder().layers(4).kvHeads(HEADS).headDim(DIM).build();
    private static final Slab SLAB = CodecRuns.slab(LAYOUT, new TokenRange(0, TOKENS));

    private final Int8Codec reader = new Int8Codec(KvModel.UNKNOWN);

    @ParameterizedTest
    @CsvSource({
        "scales=fp16, 43, 1.96",
        "range=asymmetric, 43, 1.87",
        "keys=raw, 43, 1.31",
        "values=raw, 43, 1.31",
        "keys=channel, 42, 1.90",
        "keys=hadamard, 43, 1.93",
        "keys=hadamard/values=hadamard, 43, 1.93",
        "keys=outliers:2, 43, 1.90",
        "keys=outliers:4/values=hadamard/scales=fp16, 43, 1.90",
    })
    void ordinaryElementsKeepTheirSignal(String options, double decibel, double ratio) {
        var source = CodecRuns.gaussian(SLAB, 21);
        var frame = CodecRuns.encode(codec(options.replace('/', ',')), SLAB, source);
        var values = CodecRuns.values(DType.BF16, source);
        var decoded = CodecRuns.values(DType.BF16, CodecRuns.decode(reader, SLAB, frame));
        double signal = 0;
        double noise = 0;
        for (int i = 0; i < values.length; i++) {
            signal += values[i] * values[i];
            noise += Math.pow(values[i] - decoded[i], 2);
        }

        // Rounding to BF16 takes a part of what is left after the codes.
        double kept = 10 * Math.log10(signal / noise);
        assertTrue(kept >= decibel - 1, options + " keeps " + kept + " dB");
        double achieved = (double) SLAB.rawBytes() / frame.length;
        assertTrue(achieved >= ratio, options + " has a ratio of " + achieved);
    }

    /**
     * Keys as some models have them: a pair of channels with a large bias. One attention logit is
     * the product of a query and a key over the square root of the dimension.
     */
    @ParameterizedTest
    @CsvSource({
        "keys=token, 0.5, 1.2",
        "keys=hadamard, 0.02, 0.2",
        "keys=channel, 0.02, 0.2",
        "keys=outliers:2, 0.001, 0.01",
        "keys=raw, 0, 0",
    })
    void anOutlierPairInTheKeysNeedsOneOfTheRemedies(String options, double least, double most) {
        var random = new Random(5);
        var values = new float[2 * TOKENS * HEADS * DIM];
        for (int i = 0; i < values.length; i++) {
            int channel = i % DIM;
            boolean outlier = i < values.length / 2 && (channel == 29 || channel == 93);
            values[i] = (float) random.nextGaussian() + (outlier ? 400 : 0);
        }
        var source = CodecRuns.elements(DType.FP32, values);
        var layout = KvLayout.builder().kvHeads(HEADS).headDim(DIM).dtype(DType.FP32).build();
        var slab = CodecRuns.slab(layout, new TokenRange(0, TOKENS));
        var frame = CodecRuns.encode(codec(options), slab, source);
        var decoded = CodecRuns.values(DType.FP32, CodecRuns.decode(reader, slab, frame));
        double squares = 0;
        int logits = 0;
        for (int row = 0; row < TOKENS * HEADS; row++) {
            for (int query = 0; query < 50; query++) {
                double error = 0;
                for (int i = 0; i < DIM; i++) {
                    int at = row * DIM + i;
                    error += random.nextGaussian() * (decoded[at] - values[at]);
                }
                squares += error * error / DIM;
                logits++;
            }
        }

        double rms = Math.sqrt(squares / logits);
        assertTrue(rms >= least && rms <= most, options + ": logits are off by " + rms);
    }

    @Test
    void outlierKeysAreWarnedOfOnceAndOrdinaryOnesAreNot() {
        var warnings = new ArrayList<String>();
        var log = Logger.getLogger(OutlierWatch.class.getName());
        var handler =
                new Handler() {
                    @Override
                    public void publish(LogRecord logged) {
                        warnings.add(logged.getMessage());
                    }

                    @Override
                    public void flush() {}

                    @Override
                    public void close() {}
                };
        log.addHandler(handler);
        try {
            var ordinary = codec("");
            var watching = codec("");
            var remedied = codec("keys=outliers:2");
            for (int i = 0; i < 50; i++) {
                CodecRuns.encode(ordinary, SLAB, CodecRuns.gaussian(SLAB, i));
            }
            assertEquals(List.of(), warnings);
            var values = CodecRuns.values(DType.BF16, CodecRuns.gaussian(SLAB, 1));
            for (int i = 0; i < values.length; i += DIM) {
                values[i + 29] += 400;
                values[i + 93] += 400;
            }
            for (int i = 0; i < 50; i++) {
                CodecRuns.encode(remedied, SLAB, CodecRuns.elements(DType.BF16, values));
            }
            assertEquals(List.of(), warnings);
            for (int i = 0; i < 50; i++) {
                CodecRuns.encode(watching, SLAB, CodecRuns.elements(DType.BF16, values));
            }
            assertEquals(1, warnings.size());
            assertTrue(warnings.getFirst().contains("keys=outliers:2"), warnings.getFirst());
        } finally {
            log.removeHandler(handler);
        }
    }

    @Test
    void rawKeysAndSkippedLayersKeepTheirBits() {
        var source = CodecRuns.gaussian(SLAB, 3);
        int keys = source.length / 2;

        var rawKeys = roundTrip("keys=raw", SLAB, source);
        assertArrayEquals(Arrays.copyOf(source, keys), Arrays.copyOf(rawKeys, keys));
        assertTrue(Arrays.compare(source, rawKeys) != 0, "values are coded");

        var codec = codec("skip=1/3");
        for (int layer = 0; layer < 4; layer++) {
            var slab = new Slab(SLAB.id(), LAYOUT, layer, SLAB.tokens(), 0, HEADS);
            var decoded = CodecRuns.decode(reader, slab, CodecRuns.encode(codec, slab, source));
            assertEquals(layer % 2 == 1, Arrays.equals(source, decoded), "layer " + layer);
        }
    }

    @Test
    void outlierChannelsKeepTheirBits() {
        var source = CodecRuns.gaussian(SLAB, 4);
        var buffer = ByteBuffer.wrap(source).order(ByteOrder.LITTLE_ENDIAN);
        for (int token = 0; token < TOKENS; token++) {
            // Of head 0 channel 7, now and then a NaN; of head 1 channels 3 and 100.
            int head0 = token * HEADS * ROW;
            buffer.putShort(head0 + 2 * 7, (short) (token % 5 == 0 ? 0x7FC1 : 0x4455));
            buffer.putShort(head0 + ROW + 2 * 3, (short) 0xC455);
            buffer.putShort(head0 + ROW + 2 * 100, (short) (0x4400 + token));
        }

        var decoded = roundTrip("keys=outliers:2", SLAB, source);

        var read = ByteBuffer.wrap(decoded).order(ByteOrder.LITTLE_ENDIAN);
        for (int token = 0; token < TOKENS; token++) {
            int head0 = token * HEADS * ROW;
            for (int at : new int[] {head0 + 14, head0 + ROW + 6, head0 + ROW + 200}) {
                assertEquals(buffer.getShort(at), read.getShort(at), "token " + token);
            }
        }
        assertTrue(Arrays.compare(source, decoded) != 0, "the other channels are coded");
    }

    @Test
    void constantRowsAreExactWhenCodesAreAroundTheMiddle() {
        var values = new float[2 * TOKENS * HEADS * DIM];
        for (int i = 0; i < values.length; i++) {
            values[i] = i / DIM - 100;
        }
        var source = CodecRuns.elements(DType.BF16, values);

        assertArrayEquals(source, roundTrip("range=asymmetric", SLAB, source));
    }

    @Test
    void rowsOfOneSignLoseHalfAsMuchAroundTheirMiddle() {
        var random = new Random(9);
        var values = new float[2 * TOKENS * HEADS * DIM];
        for (int i = 0; i < values.length; i++) {
            values[i] = 3 + random.nextFloat();
        }
        var layout = KvLayout.builder().kvHeads(HEADS).headDim(DIM).dtype(DType.FP32).build();
        var slab = CodecRuns.slab(layout, new TokenRange(0, TOKENS));
        var source = CodecRuns.elements(DType.FP32, values);

        double symmetric = largestError(values, roundTrip("", slab, source));
        double asymmetric = largestError(values, roundTrip("range=asymmetric", slab, source));

        assertTrue(asymmetric < symmetric / 6, asymmetric + " against " + symmetric);
        assertTrue(asymmetric <= 0.5 / 127 / 2 * 1.01, "error " + asymmetric);
    }

    private static double largestError(float[] values, byte[] decoded) {
        var others = CodecRuns.values(DType.FP32, decoded);
        double largest = 0;
        for (int i = 0; i < values.length; i++) {
            largest = Math.max(largest, Math.abs(values[i] - others[i]));
        }
        return largest;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "scales=fp16",
                "range=asymmetric",
                "keys=channel",
                "keys=channel,scales=fp16",
                "keys=hadamard,values=hadamard",
                "keys=hadamard,range=asymmetric",
                "keys=outliers:2"
            })
    void rowsThatNoScaleFitsKeepTheirBitsWhateverTheOptions(String options) {
        var source = CodecRuns.gaussian(SLAB, 6);
        var buffer = ByteBuffer.wrap(source).order(ByteOrder.LITTLE_ENDIAN);
        int[] odd = {1, TOKENS * HEADS - 1, TOKENS * HEADS + 3};
        for (int i = 0; i < odd.length; i++) {
            // More of them in a row than channels are kept.
            for (int channel = 0; channel < 5; channel++) {
                buffer.putShort(odd[i] * ROW + 2 * (channel * 20 + i), (short) (0x7F80 + i));
            }
        }

        var decoded = roundTrip(options, SLAB, source);

        for (int row : odd) {
            assertArrayEquals(
                    Arrays.copyOfRange(source, row * ROW, (row + 1) * ROW),
                    Arrays.copyOfRange(decoded, row * ROW, (row + 1) * ROW),
                    "row " + row);
        }
    }

    @Test
    void rowsWhoseScaleNoHalfHoldsKeepTheirBits() {
        var values = new float[2 * TOKENS * HEADS * DIM];
        Arrays.fill(values, 1e9f);
        var source = CodecRuns.elements(DType.BF16, values);

        assertArrayEquals(source, roundTrip("scales=fp16", SLAB, source));
        assertArrayEquals(source, roundTrip("scales=fp16,keys=channel", SLAB, source));
    }

    @ParameterizedTest
    @ValueSource(strings = {"keys=hadamard", "keys=outliers:2", "keys=channel", "keys=raw"})
    void latentsAndSingleChannelsAreCodedByAnyOption(String options) {
        for (int dim : new int[] {1, 2, 576}) {
            var layout = KvLayout.builder().headDim(dim).form(KvForm.LATENT).build();
            var slab = CodecRuns.slab(layout, new TokenRange(0, 30));
            var source = CodecRuns.gaussian(slab, dim);
            var values = CodecRuns.values(DType.BF16, source);
            var decoded = CodecRuns.values(DType.BF16, roundTrip(options, slab, source));
            for (int i = 0; i < values.length; i++) {
                assertEquals(values[i], decoded[i], 0.06, options + " at dim " + dim);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "scales=fp16",
                "range=asymmetric",
                "keys=raw",
                "keys=channel",
                "keys=hadamard",
                "keys=outliers:2"
            })
    void everyFlippedBitOfAFrameWithOptionsIsRefused(String options) {
        var layout =
                KvLayout.builder()
                        .kvHeads(2)
                        .headDim(12)
                        .order(KvOrder.HND)
                        .form(KvForm.FUSED)
                        .build();
        var slab = CodecRuns.slab(layout, new TokenRange(14, 4));
        var source = CodecRuns.gaussian(slab, 8);
        source[source.length - 1] = 0x7F;
        source[source.length - 2] = -1;
        var frame = CodecRuns.encode(codec(options), slab, source);
        for (int bit = 0; bit < frame.length * 8; bit++) {
            frame[bit / 8] ^= (byte) (1 << bit % 8);
            refused(slab, frame);
            frame[bit / 8] ^= (byte) (1 << bit % 8);
        }
        for (int length = 0; length < frame.length; length++) {
            refused(slab, Arrays.copyOf(frame, length));
        }
    }

    @Test
    void scalesThatAreNoneAreCorruptEvenWithARightChecksum() {
        var source = CodecRuns.gaussian(SLAB, 2);
        int scales = FrameHeader.BYTES + 2 * TOKENS * HEADS * DIM;
        for (var scale : new float[] {-1, Float.NaN, Float.POSITIVE_INFINITY, 1e-39f, -0f, 0}) {
            var frame = CodecRuns.encode(codec(""), SLAB, source);
            ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN).putFloat(scales + 20, scale);
            seal(frame);
            assertEquals(ErrorCode.CORRUPT, refused(SLAB, frame).code(), "scale " + scale);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 128", "0, -1", "1, 0", "0, 127"})
    void outlierChannelsMustAscendWithinTheRow(int which, short channel) {
        var frame = CodecRuns.encode(codec("keys=outliers:2"), SLAB, CodecRuns.gaussian(SLAB, 2));
        int codes = 2 * TOKENS * HEADS * DIM;
        int auxiliary = FrameHeader.BYTES + codes + 2 * TOKENS * HEADS * Float.BYTES;
        ByteBuffer.wrap(frame)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putShort(auxiliary + 2 * which, channel);
        seal(frame);

        assertEquals(ErrorCode.CORRUPT, refused(SLAB, frame).code());
    }

    private static void seal(byte[] frame) {
        var buffer = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
        var crc = new CRC32C();
        crc.update(frame, FrameHeader.BYTES, frame.length - FrameHeader.BYTES);
        buffer.putInt(116, (int) crc.getValue());
        FrameHeaderTest.seal(buffer);
    }

    private TransferException refused(Slab slab, byte[] frame) {
        var target = new byte[(int) slab.rawBytes()];
        var refusal =
                assertThrows(
                        TransferException.class,
                        () ->
                                reader.decode(
                                        MemorySegment.ofArray(frame), slab, Runs.whole(target)));
        assertArrayEquals(new byte[target.length], target);
        return refusal;
    }

    private byte[] roundTrip(String options, Slab slab, byte[] source) {
        return CodecRuns.decode(reader, slab, CodecRuns.encode(codec(options), slab, source));
    }

    private static Int8Codec codec(String options) {
        return new Int8Codec(KvModel.UNKNOWN, Int8Options.parse(options));
    }
}
