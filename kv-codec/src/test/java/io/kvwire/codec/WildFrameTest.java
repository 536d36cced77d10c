package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import java.lang.foreign.MemorySegment;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Headers that claim anything, with checksums that are right, as from a peer who computes them: no
 * length of a frame makes any codec take memory for it, on the heap or outside of it.
 */
class WildFrameTest {
    /** What an exception and its message need, many times over. */
    private static final long MOST_BYTES = 64 << 10;

    /** Offset and bytes of the header's fields behind magic and version, up to the checksums. */
    private static final int[][] FIELDS = {
        {6, 2}, {8, 2}, {10, 1}, {11, 1}, {12, 1}, {13, 1}, {14, 1}, {15, 1}, {16, 1}, {17, 1},
        {18, 1}, {19, 1}, {20, 4}, {24, 4}, {28, 4}, {32, 4}, {36, 4}, {40, 2}, {42, 2}, {44, 2},
        {46, 2}, {48, 8}, {56, 8}, {64, 4}, {68, 4}, {72, 4}, {76, 4}, {80, 8}, {88, 8}, {96, 4},
        {100, 4}, {104, 4}, {108, 4}, {112, 2}, {114, 2}
    };

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    static List<GoldenOptions> all() {
        return GoldenOptions.all();
    }

    @ParameterizedTest
    @MethodSource("all")
    void noFieldMakesACodecTakeMemory(GoldenOptions golden) {
        var codec = KvCodecProvider.create(golden.codec(), GoldenFrame.MODEL);
        var slab = golden.slab();
        // So that the codec has the scratch that an honest frame of this slab needs.
        CodecRuns.decode(codec, slab, golden.frame());
        for (int[] field : FIELDS) {
            for (long value : wild(golden.frame(), field)) {
                var frame = golden.frame();
                put(frame, field, value);
                seal(frame);
                refusedCheaply(codec, slab, frame, "field at " + field[0] + " is " + value);
            }
        }
    }

    private static long[] wild(byte[] frame, int... field) {
        long is = get(frame, field);
        long mask = field[1] == 8 ? -1 : (1L << (8 * field[1])) - 1;
        return Arrays.stream(
                        new long[] {
                            0,
                            1,
                            is - 1,
                            is + 1,
                            2 * is,
                            mask >>> 1,
                            (mask >>> 1) + 1,
                            mask - 1,
                            mask
                        })
                .map(value -> value & mask)
                .filter(value -> value != is)
                .toArray();
    }

    /** Claims that keep every rule among each other, of 2^k times as many tokens. */
    @ParameterizedTest
    @MethodSource("all")
    void noConsistentClaimMakesACodecTakeMemory(GoldenOptions golden) {
        var codec = KvCodecProvider.create(golden.codec(), GoldenFrame.MODEL);
        CodecRuns.decode(codec, golden.slab(), golden.frame());
        for (int k = 1; k < 26; k++) {
            var frame = golden.frame();
            var buffer = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
            long factor = 1L << k;
            // Tokens, then the raw bytes and those of the sections.
            for (int at : new int[] {32, 76, 100, 104, 108}) {
                buffer.putInt(at, (int) (buffer.getInt(at) * factor));
            }
            buffer.putInt(
                    96,
                    (int)
                            FrameSections.wireBytes(
                                    buffer.getInt(100), buffer.getInt(104), buffer.getInt(108)));
            seal(frame);
            refusedCheaply(codec, golden.slab(), frame, "2^" + k + " times the tokens");
        }
    }

    /** The receiver does expect a gigabyte, which a few bytes cannot be. */
    @Test
    void aFewBytesThatClaimToBeAGigabyteAreRefusedBeforeRoomIsMade() {
        var layout = KvLayout.builder().kvHeads(64).headDim(128).dtype(DType.BF16).build();
        var slab = CodecRuns.slab(layout, new TokenRange(0, 1 << 15));
        assertEquals(1 << 30, slab.rawBytes());
        var claims = new ArrayList<byte[]>();
        for (int scheme : new int[] {FrameHeader.SCHEME_RAW, FrameHeader.SCHEME_SYMMETRIC}) {
            claims.add(gigabyteOf(slab, scheme, 1000));
        }
        for (var name : List.of("raw+lz4", "int8+lz4", "int8")) {
            var codec = KvCodecProvider.create(name, GoldenFrame.MODEL);
            for (var frame : claims) {
                var refusal = refusedCheaply(codec, slab, frame, name);
                assertEquals(ErrorCode.CORRUPT, refusal.code(), refusal.getMessage());
            }
        }
    }

    /** A frame of so many code bytes that says that they are compressed, and is right otherwise. */
    private static byte[] gigabyteOf(Slab slab, int scheme, int codeBytes) {
        var header = new FrameHeader();
        header.describe(slab, GoldenFrame.MODEL);
        if (scheme == FrameHeader.SCHEME_RAW) {
            header.passThrough(0);
        } else {
            header.quantise(false, false, RowCoding.RAW, RowCoding.TOKEN);
        }
        header.losslessCodec = FrameHeader.LOSSLESS_LZ4;
        header.planeTransform = scheme == FrameHeader.SCHEME_RAW ? 1 : 0;
        header.flags |= FrameHeader.FLAG_LOSSLESS;
        header.codeBytes = codeBytes;
        // Scales are as many as rows: these bytes an honest frame has, too.
        header.scaleBytes = (int) FrameSections.scaleBytes(header);
        header.wireBytes = (int) FrameSections.wireBytes(codeBytes, header.scaleBytes, 0);
        var frame = new byte[FrameHeader.BYTES + header.wireBytes];
        var segment = MemorySegment.ofArray(frame);
        header.wireCrc = new FrameChecksum().of(segment, FrameHeader.BYTES, frame.length);
        header.encode(segment);
        return frame;
    }

    /** What all of the above rests on. */
    @Test
    void memoryThatACodecTakesIsSeen() {
        long before = outsideOfTheHeap();
        var taken = new Scratch().ofBytes(1 << 20);
        assertTrue(outsideOfTheHeap() - before >= taken.byteSize());
    }

    /**
     * Decodes into runs of no bytes, which a frame that keeps every rule all the same, by other
     * codings say, meets as the caller's mistake.
     */
    private static TransferException refusedCheaply(
            KvCodec codec, Slab slab, byte[] frame, String what) {
        var segment = MemorySegment.ofArray(frame);
        var target = Runs.whole(new byte[0]);
        long onHeap = Long.MAX_VALUE;
        long outside = 0;
        TransferException refused = null;
        // The first of its kind may load classes that put its message together.
        for (int attempt = 0; attempt < 3; attempt++) {
            long outsideBefore = outsideOfTheHeap();
            long before = THREADS.getCurrentThreadAllocatedBytes();
            refused =
                    assertThrows(
                            TransferException.class,
                            () -> codec.decode(segment, slab, target.again()),
                            what);
            onHeap = Math.min(onHeap, THREADS.getCurrentThreadAllocatedBytes() - before);
            outside = Math.max(outside, outsideOfTheHeap() - outsideBefore);
        }
        assertTrue(onHeap < MOST_BYTES, what + " took bytes of the heap: " + onHeap);
        assertTrue(outside < MOST_BYTES, what + " took bytes outside of the heap: " + outside);
        return refused;
    }

    /** Memory of arenas that the garbage collector frees, which is what codecs take. */
    private static long outsideOfTheHeap() {
        return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
                .filter(pool -> pool.getName().equals("direct"))
                .mapToLong(BufferPoolMXBean::getMemoryUsed)
                .sum();
    }

    private static long get(byte[] frame, int... field) {
        var buffer = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
        return switch (field[1]) {
            case 1 -> Byte.toUnsignedLong(buffer.get(field[0]));
            case 2 -> Short.toUnsignedLong(buffer.getShort(field[0]));
            case 4 -> Integer.toUnsignedLong(buffer.getInt(field[0]));
            default -> buffer.getLong(field[0]);
        };
    }

    private static void put(byte[] frame, int[] field, long value) {
        var buffer = ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN);
        switch (field[1]) {
            case 1 -> buffer.put(field[0], (byte) value);
            case 2 -> buffer.putShort(field[0], (short) value);
            case 4 -> buffer.putInt(field[0], (int) value);
            default -> buffer.putLong(field[0], value);
        }
    }

    private static void seal(byte[] frame) {
        FrameHeaderTest.seal(ByteBuffer.wrap(frame).order(ByteOrder.LITTLE_ENDIAN));
    }
}
