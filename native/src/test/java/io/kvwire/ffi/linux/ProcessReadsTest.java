package io.kvwire.ffi.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.Errno;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/** Reads of a process's memory; of this one's own, which the kernel always allows. */
class ProcessReadsTest {
    private static final int SELF = (int) ProcessHandle.current().pid();

    @BeforeAll
    static void needsLinux() {
        assumeTrue(Linux.unavailable().isEmpty(), () -> Linux.unavailable().orElseThrow());
    }

    @Test
    void piecesLandWhereTheyBelong() {
        try (var arena = Arena.ofConfined()) {
            var reads = new ProcessReads(arena, SELF);
            var from = arena.allocate(64 * ProcessReads.MAX_PIECES);
            var to = arena.allocate(64 * ProcessReads.MAX_PIECES);
            for (int i = 0; i < from.byteSize(); i++) {
                from.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 31));
            }
            for (int i = 0; !reads.full(); i++) {
                long at = i * 64L;
                reads.add(to.address() + at, from.address() + at, 32);
            }
            assertEquals(32L * ProcessReads.MAX_PIECES, reads.bytes());
            assertEquals(0, reads.read());
            for (int i = 0; i < to.byteSize(); i++) {
                int wanted = i % 64 < 32 ? (byte) (i * 31) : 0;
                assertEquals(wanted, to.get(ValueLayout.JAVA_BYTE, i), "byte " + i);
            }
        }
    }

    @Test
    void neighboursBecomeOnePiece() {
        try (var arena = Arena.ofConfined()) {
            var reads = new ProcessReads(arena, SELF);
            var from = arena.allocate(1 << 20);
            var to = arena.allocate(1 << 20);
            from.fill((byte) 5);
            for (int i = 0; i < 1 << 20; i += 64) {
                reads.add(to.address() + i, from.address() + i, 64);
                assertTrue(!reads.full());
            }
            assertEquals(0, reads.read());
            assertEquals(-1, to.mismatch(from));
        }
    }

    @Test
    void whatIsNotThereIsAnError() {
        try (var arena = Arena.ofConfined()) {
            var to = arena.allocate(4096);
            var reads = new ProcessReads(arena, SELF);
            reads.add(to.address(), 8, 16);
            assertEquals(Errno.EFAULT, reads.read());
            assertEquals(0, reads.read(), "nothing is left of it");
            var nobody = new ProcessReads(arena, Integer.MAX_VALUE);
            nobody.add(to.address(), to.address(), 16);
            assertEquals(Errno.ESRCH, nobody.read());
        }
    }
}
