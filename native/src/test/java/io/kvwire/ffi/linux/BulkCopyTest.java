package io.kvwire.ffi.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

class BulkCopyTest {
    private static final long MARGIN = 256;
    private static final byte UNTOUCHED = 0x55;

    @BeforeAll
    static void needsTheLibrary() {
        assumeTrue(BulkCopy.unavailable().isEmpty(), () -> BulkCopy.unavailable().orElseThrow());
    }

    @Test
    void copiesEveryLengthToEveryAlignmentAndNothingBeside() {
        var random = new Random(5);
        try (var arena = Arena.ofConfined()) {
            var copies = new BulkCopy(arena);
            var from = arena.allocate(3 * MARGIN + 4096, 64);
            for (long i = 0; i < from.byteSize(); i++) {
                from.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
            }
            var to = arena.allocate(from.byteSize(), 64);
            for (int length = 0; length < 1100; length++) {
                copiesExactly(copies, from, random.nextInt(64), to, random.nextInt(64), length);
            }
            for (int at = 0; at < 64; at++) {
                copiesExactly(copies, from, at, to, 63 - at, 4096);
            }
        }
    }

    @Test
    void copiesAFullListOfScatteredPiecesAndForgetsIt() {
        int piece = 4096;
        var random = new Random(7);
        try (var arena = Arena.ofConfined()) {
            var from = arena.allocate((long) piece * BulkCopy.MAX_PIECES, 64);
            for (long i = 0; i < from.byteSize(); i += 8) {
                from.set(ValueLayout.JAVA_LONG, i, random.nextLong());
            }
            var to = arena.allocate(from.byteSize(), 64);
            var order = random.ints(0, BulkCopy.MAX_PIECES).distinct().limit(256).toArray();
            var copies = new BulkCopy(arena);
            int added = 0;
            while (copies.room() >= piece) {
                long target = to.address() + (long) order[added] * piece;
                copies.add(target, from.address() + (long) added++ * piece, piece);
            }
            assertEquals(0, copies.room(), "both bounds are met");
            copies.run();
            for (int i = 0; i < added; i++) {
                var there = to.asSlice((long) order[i] * piece, piece);
                assertEquals(-1, there.mismatch(from.asSlice((long) i * piece, piece)));
            }
            to.fill(UNTOUCHED);
            copies.run();
            assertEquals(UNTOUCHED, to.get(ValueLayout.JAVA_BYTE, 0), "nothing was left to copy");
            assertEquals(BulkCopy.MAX_BYTES, copies.room());
        }
    }

    private static void copiesExactly(
            BulkCopy copies,
            MemorySegment from,
            int fromAt,
            MemorySegment to,
            int toAt,
            int length) {
        to.fill(UNTOUCHED);
        long target = MARGIN + toAt;
        copies.add(to.address() + target, from.address() + fromAt, length);
        copies.run();
        var where = length + " bytes from " + fromAt + " to " + toAt;
        assertEquals(-1, to.asSlice(target, length).mismatch(from.asSlice(fromAt, length)), where);
        for (long i = 0; i < MARGIN; i++) {
            assertEquals(UNTOUCHED, to.get(ValueLayout.JAVA_BYTE, target - 1 - i), where);
        }
        for (long i = target + length; i < target + length + MARGIN; i++) {
            assertEquals(UNTOUCHED, to.get(ValueLayout.JAVA_BYTE, i), where);
        }
    }
}
