package io.kvwire.transport.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.StridedCopy;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class RangeRunsTest {
    private static List<StridedCopy> randomRanges(Random random) {
        var ranges = new ArrayList<StridedCopy>();
        for (int i = random.nextInt(6); i >= 0; i--) {
            long length = random.nextInt(20);
            ranges.add(
                    new StridedCopy(
                            random.nextInt(100),
                            length + random.nextInt(2) * 7L,
                            random.nextInt(1000),
                            length + random.nextInt(2) * 5L,
                            length,
                            random.nextInt(4)));
        }
        return ranges;
    }

    /** The target offset of every byte of the stream, from the definition of a strided copy. */
    private static List<Long> bytesOf(List<StridedCopy> ranges) {
        var bytes = new ArrayList<Long>();
        for (var range : ranges) {
            for (int piece = 0; piece < range.count(); piece++) {
                for (long at = 0; at < range.length(); at++) {
                    bytes.add(range.targetOffset() + piece * range.targetStride() + at);
                }
            }
        }
        return bytes;
    }

    @Property
    void aWindowOfTheStreamIsWalkedByteForByte(@ForAll long seed) {
        var random = new Random(seed);
        var ranges = randomRanges(random);
        var expected = bytesOf(ranges);
        int from = random.nextInt(expected.size() + 1);
        int count = random.nextInt(expected.size() - from + 1);
        var runs = new RangeRuns();
        runs.start(ranges, false, MemorySegment.NULL, from, count);
        var walked = new ArrayList<Long>();
        long end = -1;
        while (runs.next()) {
            assertTrue(runs.length() > 0);
            assertFalse(runs.offset() == end, "adjacent runs are merged");
            for (long at = 0; at < runs.length(); at++) {
                walked.add(runs.offset() + at);
            }
            end = runs.offset() + runs.length();
        }
        assertEquals(expected.subList(from, from + count), walked);
    }

    @Property
    void theEntriesOfAHeaderNameTheSameBytes(@ForAll long seed) {
        var random = new Random(seed);
        var ranges = randomRanges(random);
        var expected = bytesOf(ranges);
        var runs = new RangeRuns();
        runs.start(ranges, false, MemorySegment.NULL, 0, expected.size());
        var out = ByteBuffer.allocate(1 << 16).order(ByteOrder.LITTLE_ENDIAN);
        int[] count = new int[1];
        assertEquals(expected.size(), RangeSender.entries(runs, out, 0, count));
        var named = new ArrayList<StridedCopy>();
        for (int i = 0; i < count[0]; i++) {
            int at = i * FrameHeader.RANGE_ENTRY_BYTES;
            named.add(
                    new StridedCopy(
                            0,
                            0,
                            out.getLong(at),
                            out.getLong(at + 8),
                            out.getLong(at + 16),
                            out.getInt(at + 24)));
        }
        assertEquals(expected, bytesOf(named));
    }

    @Test
    void equalStridesTakeOneEntryHoweverManyPieces() {
        var ranges = List.of(new StridedCopy(0, 0, 0, 4096, 64, 1000));
        var runs = new RangeRuns();
        runs.start(ranges, false, MemorySegment.NULL, 0, 64_000);
        int[] count = new int[1];
        var out = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
        assertEquals(64_000, RangeSender.entries(runs, out, 0, count));
        assertEquals(1, count[0]);
        assertEquals(1000, out.getInt(24));
    }
}
