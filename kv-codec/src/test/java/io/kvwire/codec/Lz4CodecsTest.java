package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import java.util.zip.CRC32C;

/** The lossless stage: where it pays, that it loses nothing, and what it refuses. */
class Lz4CodecsTest {
    private static final int DECODED_CRC_AT = 120;
    private static final int LOSSLESS_AT = 15;

    private final KvCodec rawLz4 = new RawLz4Codec(KvModel.UNKNOWN);
    private final KvCodec int8Lz4 = Int8Codec.compressed(KvModel.UNKNOWN, Int8Options.DEFAULT);

    @ParameterizedTest
    @ValueSource(strings = {"raw+lz4", "int8+lz4"})
    void theCodecsAreFoundByTheirNames(String name) {
        assertEquals(name, KvCodecProvider.create(name, KvModel.UNKNOWN).name());
    }

    @Test
    void ordinaryBf16IsSmallerByItsPlanesAndLosesNothing() {
        var slab = slab(DType.BF16, 64);
        var source = CodecRuns.gaussian(slab, 1);
        var frame = CodecRuns.encode(rawLz4, slab, source);

        assertEquals(1, frame[LOSSLESS_AT]);
        double ratio = (double) source.length / frame.length;
        assertTrue(ratio > 1.15, "ratio " + ratio);
        assertArrayEquals(source, CodecRuns.decode(rawLz4, slab, frame));
    }

    @ParameterizedTest
    @EnumSource
    void whatRepeatsIsCompressedWhateverItsType(DType dtype) {
        var slab = slab(dtype, 64);
        var source = new byte[(int) slab.rawBytes()];
        for (int i = 0; i < source.length; i++) {
            source[i] = (byte) (i % 60);
        }
        var frame = CodecRuns.encode(rawLz4, slab, source);
        assertTrue(frame.length < source.length / 10, dtype + ": " + frame.length);
        assertArrayEquals(source, CodecRuns.decode(rawLz4, slab, frame));

        var coded = CodecRuns.encode(int8Lz4, slab, source);
        assertTrue(coded.length < source.length / 5, dtype + ": " + coded.length);
        var plain = CodecRuns.encode(new Int8Codec(KvModel.UNKNOWN), slab, source);
        assertArrayEquals(
                CodecRuns.decode(int8Lz4, slab, plain), CodecRuns.decode(int8Lz4, slab, coded));
    }

    @Test
    void whatDoesNotPayIsSentAsWithoutCompression() {
        var slab = slab(DType.BF16, 64);
        var random = new byte[(int) slab.rawBytes()];
        new Random(3).nextBytes(random);

        assertArrayEquals(
                CodecRuns.encode(new RawCodec(KvModel.UNKNOWN), slab, random),
                CodecRuns.encode(rawLz4, slab, random));

        var ordinary = CodecRuns.gaussian(slab, 4);
        assertArrayEquals(
                CodecRuns.encode(new Int8Codec(KvModel.UNKNOWN), slab, ordinary),
                CodecRuns.encode(int8Lz4, slab, ordinary));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "int8+lz4",
                "int8+lz4,range=asymmetric",
                "int8+lz4,keys=outliers:2",
                "int8+lz4,keys=channel",
                "raw+lz4"
            })
    void everyFlippedBitAndEveryTruncationIsRefused(String text) {
        var codec = KvCodecProvider.create(text, KvModel.UNKNOWN);
        var slab = small();
        var frame = CodecRuns.encode(codec, slab, repeating(slab));
        assertEquals(1, frame[LOSSLESS_AT], "the frame is compressed");
        for (int bit = 0; bit < frame.length * 8; bit++) {
            frame[bit / 8] ^= (byte) (1 << bit % 8);
            refused(codec, slab, frame);
            frame[bit / 8] ^= (byte) (1 << bit % 8);
        }
        for (int length = 0; length < frame.length; length++) {
            refused(codec, slab, Arrays.copyOf(frame, length));
        }
    }

    /** As from a peer who computes checksums as he likes. */
    @ParameterizedTest
    @ValueSource(strings = {"int8+lz4", "raw+lz4"})
    void aBlockThatIsNoneIsRefusedEvenWithARightChecksumOfTheWire(String text) {
        var codec = KvCodecProvider.create(text, KvModel.UNKNOWN);
        var slab = small();
        var frame = CodecRuns.encode(codec, slab, repeating(slab));
        int codes = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN).getInt(100);
        for (int at = 0; at < codes; at++) {
            var changed = frame.clone();
            changed[FrameHeader.BYTES + at] ^= (byte) 0xF1;
            seal(changed);
            assertEquals(ErrorCode.CORRUPT, refused(codec, slab, changed).code(), "byte " + at);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"int8+lz4", "int8+lz4,keys=channel", "raw+lz4"})
    void aWildChecksumOfWhatIsInsideIsCorruption(String text) {
        var codec = KvCodecProvider.create(text, KvModel.UNKNOWN);
        var slab = small();
        var frame = CodecRuns.encode(codec, slab, repeating(slab));
        for (int bit = 0; bit < Integer.SIZE; bit++) {
            var changed = frame.clone();
            changed[DECODED_CRC_AT + bit / 8] ^= (byte) (1 << bit % 8);
            seal(changed);
            assertEquals(ErrorCode.CORRUPT, refused(codec, slab, changed).code(), "bit " + bit);
        }
    }

    /** A frame that adds up, but for a block that is cut off, or has something behind it. */
    @ParameterizedTest
    @ValueSource(strings = {"int8+lz4", "int8+lz4,keys=channel", "raw+lz4"})
    void aBlockOfAWildLengthIsRefused(String text) {
        var codec = KvCodecProvider.create(text, KvModel.UNKNOWN);
        var slab = small();
        var frame = CodecRuns.encode(codec, slab, repeating(slab));
        int codes = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN).getInt(100);
        var right = withBlock(frame, codes);
        assertArrayEquals(frame, right, "the block as it is");
        for (int length = 0; length <= 3 * codes; length++) {
            if (length != codes) {
                var code = refused(codec, slab, withBlock(frame, length)).code();
                assertTrue(
                        code == ErrorCode.CORRUPT || code == ErrorCode.MALFORMED,
                        length + " bytes for " + codes + ": " + code);
            }
        }
    }

    /**
     * The frame with its block cut off, or with zeros behind it, and all lengths and sums right.
     */
    private static byte[] withBlock(byte[] frame, int length) {
        var header = new FrameHeader();
        header.decode(MemorySegment.ofArray(frame));
        int scalesFrom = FrameSections.scalesAt(header);
        int auxiliaryFrom = FrameSections.auxiliaryAt(header);
        int kept = Math.min(length, header.codeBytes);
        header.codeBytes = length;
        int wire = (int) FrameSections.wireBytes(length, header.scaleBytes, header.auxiliaryBytes);
        var made = Arrays.copyOf(Arrays.copyOf(frame, FrameHeader.BYTES), FrameHeader.BYTES + wire);
        System.arraycopy(frame, FrameHeader.BYTES, made, FrameHeader.BYTES, kept);
        System.arraycopy(
                frame, scalesFrom, made, FrameSections.scalesAt(header), header.scaleBytes);
        System.arraycopy(
                frame,
                auxiliaryFrom,
                made,
                FrameSections.auxiliaryAt(header),
                header.auxiliaryBytes);
        var buffer = ByteBuffer.wrap(made).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putInt(96, wire);
        buffer.putInt(100, length);
        seal(made);
        return made;
    }

    @Test
    void aRawCodecRefusesCompressedFrames() {
        var slab = small();
        var frame = CodecRuns.encode(rawLz4, slab, repeating(slab));

        var refusal = refused(new RawCodec(KvModel.UNKNOWN), slab, frame);

        assertEquals(ErrorCode.MALFORMED, refusal.code());
    }

    @ParameterizedTest
    @ValueSource(strings = {"int8+lz4", "raw+lz4"})
    void encodingAndDecodingAllocateNothing(String text) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        var codec = KvCodecProvider.create(text, KvModel.UNKNOWN);
        var slab = small();
        try (var arena = Arena.ofConfined()) {
            var memory = arena.allocate(slab.rawBytes());
            memory.copyFrom(MemorySegment.ofArray(repeating(slab)));
            var runs = new Runs(memory, 0, memory.byteSize());
            var frame = arena.allocate(codec.maxFrameBytes(slab));
            var exact = frame.asSlice(0, codec.encode(slab, runs.again(), frame));
            long allocated = Long.MAX_VALUE;
            for (int attempt = 0; attempt < 100 && allocated >= 4096; attempt++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 1000; i++) {
                    codec.encode(slab, runs.again(), frame);
                    codec.decode(exact, slab, runs.again());
                }
                allocated = threads.getCurrentThreadAllocatedBytes() - before;
            }

            assertTrue(allocated < 4096, "1000 round trips allocated " + allocated + " bytes");
        }
    }

    private static Slab slab(DType dtype, int tokens) {
        var layout = KvLayout.builder().kvHeads(4).headDim(128).dtype(dtype).build();
        return CodecRuns.slab(layout, new TokenRange(0, tokens));
    }

    private static Slab small() {
        var layout =
                KvLayout.builder()
                        .kvHeads(2)
                        .headDim(20)
                        .order(KvOrder.HND)
                        .form(KvForm.FUSED)
                        .build();
        return CodecRuns.slab(layout, new TokenRange(14, 6));
    }

    private static byte[] repeating(Slab slab) {
        var values = new float[(int) slab.rawBytes() / 2];
        for (int i = 0; i < values.length; i++) {
            values[i] = i % 10 - 4;
        }
        return CodecRuns.elements(DType.BF16, values);
    }

    private static void seal(byte[] frame) {
        var crc = new CRC32C();
        crc.update(frame, FrameHeader.BYTES, frame.length - FrameHeader.BYTES);
        var buffer = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
        buffer.putInt(116, (int) crc.getValue());
        FrameHeaderTest.seal(buffer);
    }

    private static TransferException refused(KvCodec codec, Slab slab, byte[] frame) {
        var target = new byte[(int) slab.rawBytes()];
        var refusal =
                assertThrows(
                        TransferException.class,
                        () -> codec.decode(MemorySegment.ofArray(frame), slab, Runs.whole(target)));
        assertArrayEquals(new byte[target.length], target);
        return refusal;
    }
}
