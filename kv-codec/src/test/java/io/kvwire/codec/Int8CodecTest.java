package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.ScalarRowKernels;
import io.kvwire.codec.simd.VectorRowKernels;
import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

class Int8CodecTest {
    private static final byte CANARY = 0x5A;

    static List<RowKernels> kernels() {
        return List.of(new ScalarRowKernels(), new VectorRowKernels());
    }

    @Test
    void theCodecIsFoundByItsName() {
        var provider = KvCodecProvider.named("int8").orElseThrow();

        assertEquals("int8", provider.create(KvModel.UNKNOWN).name());
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "FP16", "FP32"})
    void elementsAreEncodedIntoTheGoldenFrame(DType dtype) {
        for (var kernels : kernels()) {
            var golden = GoldenInt8.of(dtype);
            var codec = new Int8Codec(GoldenFrame.MODEL, Int8Options.DEFAULT, kernels, false);

            assertArrayEquals(
                    golden.frame(), CodecRuns.encode(codec, golden.slab(), golden.source()));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "FP16", "FP32"})
    void theGoldenFrameIsDecodedIntoItsElements(DType dtype) {
        for (var kernels : kernels()) {
            var golden = GoldenInt8.of(dtype);
            var codec = new Int8Codec(GoldenFrame.MODEL, Int8Options.DEFAULT, kernels, false);

            assertArrayEquals(
                    golden.decoded(), CodecRuns.decode(codec, golden.slab(), golden.frame()));
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "FP16", "FP32"})
    void everySingleFlippedBitIsRefusedAndNothingIsWritten(DType dtype) {
        var golden = GoldenInt8.of(dtype);
        var frame = golden.frame();
        for (int bit = 0; bit < frame.length * 8; bit++) {
            frame[bit / 8] ^= (byte) (1 << bit % 8);
            assertRefused(golden.slab(), frame, "bit " + bit);
            frame[bit / 8] ^= (byte) (1 << bit % 8);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "FP16", "FP32"})
    void everyTruncationAndEveryTrailingByteIsRefused(DType dtype) {
        var golden = GoldenInt8.of(dtype);
        var frame = golden.frame();
        for (int length = 0; length < frame.length; length++) {
            assertRefused(golden.slab(), Arrays.copyOf(frame, length), "length " + length);
        }
        assertRefused(golden.slab(), Arrays.copyOf(frame, frame.length + 1), "one byte more");
    }

    private final Int8Codec codec = new Int8Codec(GoldenFrame.MODEL);

    private void assertRefused(Slab slab, byte[] frame, String what) {
        var target = new byte[(int) slab.rawBytes()];
        Arrays.fill(target, CANARY);
        var untouched = target.clone();
        var refusal =
                assertThrows(
                        TransferException.class,
                        () -> codec.decode(MemorySegment.ofArray(frame), slab, Runs.whole(target)),
                        what);
        assertTrue(
                refusal.code() == ErrorCode.MALFORMED
                        || refusal.code() == ErrorCode.CORRUPT
                        || refusal.code() == ErrorCode.VERSION_MISMATCH,
                what + ": " + refusal.code());
        assertTrue(Arrays.equals(untouched, target), what);
    }

    @ParameterizedTest
    @EnumSource(names = {"FP8_E4M3", "FP8_E5M2", "INT8"})
    void elementsOfEightBitsPassThroughAsTheyAre(DType dtype) {
        var layout = KvLayout.builder().dtype(dtype).headDim(7).build();
        var slab = CodecRuns.slab(layout, new TokenRange(0, 5));
        var source = new byte[(int) slab.rawBytes()];
        new Random(1).nextBytes(source);

        var frame = CodecRuns.encode(codec, slab, source);

        assertArrayEquals(CodecRuns.encode(new RawCodec(GoldenFrame.MODEL), slab, source), frame);
        assertArrayEquals(source, CodecRuns.decode(codec, slab, frame));
    }

    @Test
    void aRawCodecRefusesFramesOfInt8() {
        var golden = GoldenInt8.of(DType.BF16);
        var refusal =
                assertThrows(
                        TransferException.class,
                        () ->
                                new RawCodec(GoldenFrame.MODEL)
                                        .decode(
                                                MemorySegment.ofArray(golden.frame()),
                                                golden.slab(),
                                                Runs.whole(golden.source())));

        assertEquals(ErrorCode.MALFORMED, refusal.code());
    }

    @Test
    void theRatioAgainstBf16IsAtLeastOnePointNineThreeHeaderIncluded() {
        var layout = KvLayout.builder().kvHeads(8).headDim(128).build();
        var slab = CodecRuns.slab(layout, new TokenRange(0, 16));
        var frame = CodecRuns.encode(codec, slab, CodecRuns.gaussian(slab, 1));

        double ratio = (double) slab.rawBytes() / frame.length;

        assertTrue(ratio >= 1.93, "ratio " + ratio);
    }

    /** Pieces of any length, at any address, in memory of the heap or outside of it. */
    @ParameterizedTest
    @ValueSource(ints = {1, 3, 44, 255, 256, 257, 1000, 5000})
    void runsMayCutRowsAnywhere(int piece) {
        var golden = GoldenInt8.of(DType.BF16);
        var slab = golden.slab();
        try (var arena = Arena.ofConfined()) {
            var source = arena.allocate(3 * slab.rawBytes() + 1);
            var cut = pieces((int) slab.rawBytes(), piece);
            scatter(golden.source(), cut, source);
            var frame = new byte[(int) codec.maxFrameBytes(slab) + 5];
            var room = MemorySegment.ofArray(frame).asSlice(5);
            long length = codec.encode(slab, new Runs(source, cut), room);
            var target = arena.allocate(source.byteSize()).fill(CANARY);
            codec.decode(room.asSlice(0, length), slab, new Runs(target, cut));

            assertArrayEquals(golden.frame(), Arrays.copyOfRange(frame, 5, 5 + (int) length));
            var expected = arena.allocate(source.byteSize()).fill(CANARY);
            scatter(golden.decoded(), cut, expected);
            assertEquals(-1, expected.mismatch(target));
        }
    }

    /** Offsets and lengths of pieces with gaps between them. */
    private static long[] pieces(int bytes, int piece) {
        var cut = new long[2 * Math.ceilDiv(bytes, piece)];
        long at = 1;
        for (int i = 0, left = bytes; left > 0; i += 2) {
            int length = Math.min(piece, left);
            cut[i] = at;
            cut[i + 1] = length;
            at += length + Math.min(length, 3);
            left -= length;
        }
        return cut;
    }

    private static void scatter(byte[] bytes, long[] cut, MemorySegment memory) {
        long at = 0;
        for (int i = 0; i < cut.length; i += 2) {
            MemorySegment.copy(MemorySegment.ofArray(bytes), at, memory, cut[i], cut[i + 1]);
            at += cut[i + 1];
        }
    }

    @Test
    void runsThatAreNotAsLongAsTheSlabAreTheCallersMistake() {
        var golden = GoldenInt8.of(DType.BF16);
        int bytes = golden.source().length;
        var room = new byte[(int) codec.maxFrameBytes(golden.slab())];
        for (int length : new int[] {0, 1, bytes - 256, bytes - 1, bytes + 1, bytes + 256}) {
            assertOutOfRange(() ->
                    codec.encode(
                            golden.slab(),
                            Runs.whole(new byte[length]),
                            MemorySegment.ofArray(room)));
            assertOutOfRange(() ->
                    codec.decode(
                            MemorySegment.ofArray(golden.frame()),
                            golden.slab(),
                            Runs.whole(new byte[length])));
        }
    }

    @Test
    void aFrameWithTooLittleRoomIsRefusedBeforeItIsTouched() {
        var golden = GoldenInt8.of(DType.BF16);
        var room = new byte[(int) codec.maxFrameBytes(golden.slab()) - 1];

        assertOutOfRange(() ->
                codec.encode(
                        golden.slab(), Runs.whole(golden.source()), MemorySegment.ofArray(room)));

        assertArrayEquals(new byte[room.length], room);
    }

    private static void assertOutOfRange(Runnable action) {
        var refusal = assertThrows(TransferException.class, action::run);
        assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code());
    }

    @Test
    void theLongestFrameIsOneWithoutAnyScale() {
        for (var dtype : List.of(DType.BF16, DType.FP16, DType.FP32)) {
            var layout = KvLayout.builder().dtype(dtype).headDim(100).build();
            var slab = CodecRuns.slab(layout, new TokenRange(0, 9));
            var source = new byte[(int) slab.rawBytes()];
            Arrays.fill(source, (byte) 0xFF);

            var frame = CodecRuns.encode(codec, slab, source);

            assertEquals(codec.maxFrameBytes(slab), frame.length);
            assertTrue(frame.length <= slab.rawBytes() + 128 + 2 * 64 + 4 * 18);
            assertArrayEquals(source, CodecRuns.decode(codec, slab, frame));
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void encodingAndDecodingAllocateNothing(RowKernels kernels) {
        for (var dtype : List.of(DType.BF16, DType.FP16, DType.FP32)) {
            allocatesNothing(kernels, GoldenInt8.of(dtype));
        }
    }

    private static void allocatesNothing(RowKernels kernels, GoldenInt8 golden) {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        var codec = new Int8Codec(GoldenFrame.MODEL, Int8Options.DEFAULT, kernels, false);
        try (var arena = Arena.ofConfined()) {
            var memory = arena.allocate(golden.slab().rawBytes());
            memory.copyFrom(MemorySegment.ofArray(golden.source()));
            var frame = arena.allocate(codec.maxFrameBytes(golden.slab()));
            var exact = frame.asSlice(0, golden.frame().length);
            long size = memory.byteSize();
            var runs = new Runs(memory, 0, 100, 100, 3000, 3100, size - 3100);
            var target = new Runs(arena.allocate(size), 0, 100, 100, 3000, 3100, size - 3100);
            // Vectors are objects until the compiler has seen enough of them.
            long allocated = Long.MAX_VALUE;
            for (int attempt = 0; attempt < 100 && allocated >= 4096; attempt++) {
                long before = threads.getCurrentThreadAllocatedBytes();
                for (int i = 0; i < 1000; i++) {
                    codec.encode(golden.slab(), runs.again(), frame);
                    codec.decode(exact, golden.slab(), target.again());
                }
                allocated = threads.getCurrentThreadAllocatedBytes() - before;
            }

            assertTrue(
                    allocated < 4096, golden.dtype() + ": 1000 round trips allocated " + allocated);
        }
    }
}
