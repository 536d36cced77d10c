package io.kvwire.ffi.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;

/** Memory that processes share, and that no peer can change the length of. */
class MemoryFileTest {
    private static final long BYTES = 1 << 20;

    @BeforeAll
    static void needsLinux() {
        assumeTrue(Linux.unavailable().isEmpty(), () -> Linux.unavailable().orElseThrow());
    }

    @Test
    void twoMappingsShowTheSameBytes() {
        try (var file = MemoryFile.create("kvwire-test", BYTES, MemoryFile.Pages.BASE);
                var arena = Arena.ofConfined()) {
            var one = file.map(arena, BYTES, true);
            var other = file.map(arena, BYTES, false);
            one.set(ValueLayout.JAVA_LONG, 4096, 42);
            assertEquals(42, other.get(ValueLayout.JAVA_LONG, 4096));
            assertEquals(BYTES, file.bytes());
            assertTrue(other.isReadOnly());
        }
    }

    @Test
    void aSealedFileIsNeitherTruncatedNorGrown() {
        try (var file = MemoryFile.create("kvwire-test", BYTES, MemoryFile.Pages.BASE)) {
            assertFalse(file.lengthSealed());
            file.sealLength();
            assertTrue(file.lengthSealed());
            for (long length : new long[] {0, BYTES / 2, 2 * BYTES}) {
                var refusal = assertThrows(TransferException.class, () -> file.truncate(length));
                assertEquals(ErrorCode.ACCESS_DENIED, refusal.code(), refusal.getMessage());
            }
            assertEquals(BYTES, file.bytes());
        }
    }

    @Test
    void afterItsSealNobodyElseMapsItToWrite() {
        try (var file = MemoryFile.create("kvwire-test", BYTES, MemoryFile.Pages.BASE);
                var arena = Arena.ofConfined()) {
            var owner = file.map(arena, BYTES, true);
            file.sealLength();
            assumeTrue(file.sealFutureWrites(), "a kernel before 5.1 has no such seal");
            file.sealSeals();
            var refusal = assertThrows(TransferException.class, () -> file.map(arena, BYTES, true));
            assertEquals(ErrorCode.ACCESS_DENIED, refusal.code(), refusal.getMessage());
            owner.set(ValueLayout.JAVA_BYTE, 0, (byte) 7);
            var reader = file.map(arena, BYTES, false);
            assertEquals(7, reader.get(ValueLayout.JAVA_BYTE, 0), "the owner still writes");
        }
    }

    @Test
    void aClosedArenaLeavesNoMapping() throws IOException {
        var name = "kvwire-gone-" + ProcessHandle.current().pid();
        var file = MemoryFile.create(name, BYTES, MemoryFile.Pages.BASE);
        try (var arena = Arena.ofConfined()) {
            file.map(arena, BYTES, true).fill((byte) 1);
            assertTrue(mapped(name));
        }
        file.close();
        file.close();
        assertFalse(mapped(name));
    }

    private static boolean mapped(String name) throws IOException {
        return Files.readString(Path.of("/proc/self/maps")).contains(name);
    }
}
