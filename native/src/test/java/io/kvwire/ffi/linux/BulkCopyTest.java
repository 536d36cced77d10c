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
            var from = arena.allocate(3 * MARGIN + 4096, 64);
            for (long i = 0; i < from.byteSize(); i++) {
                from.set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
            }
            var to = arena.allocate(from.byteSize(), 64);
            for (int length = 0; length < 1100; length++) {
                copiesExactly(from, random.nextInt(64), to, random.nextInt(64), length);
            }
            for (int at = 0; at < 64; at++) {
                copiesExactly(from, at, to, 63 - at, 4096);
            }
        }
    }

    private static void copiesExactly(
            MemorySegment from, int fromAt, MemorySegment to, int toAt, int length) {
        to.fill(UNTOUCHED);
        long target = MARGIN + toAt;
        // A hint that points nowhere must do no harm.
        long ahead = length % 3 == 0 ? 0 : length % 3 == 1 ? 8 : from.address();
        BulkCopy.copy(to.address() + target, from.address() + fromAt, length, ahead);
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
