package io.kvwire.pcie;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Memory that peers can be shown. */
class SharedArenaTest {

    @BeforeAll
    static void needsLinux() {
        assumeTrue(
                SharedArena.unavailable().isEmpty(), () -> SharedArena.unavailable().orElseThrow());
    }

    @Test
    void memoryIsZeroedAlignedAndApart() {
        try (var arena = SharedArena.open()) {
            var all = new ArrayList<MemorySegment>();
            for (long bytes : new long[] {1, 0, 64, 4096, 5000, 1 << 20, 3 << 20, 7}) {
                for (long alignment : new long[] {1, 8, 64, 4096, 2 << 20}) {
                    var memory = arena.allocate(bytes, alignment);
                    assertEquals(bytes, memory.byteSize());
                    assertEquals(0, memory.address() % alignment);
                    assertEquals(-1, memory.mismatch(MemorySegment.ofArray(new byte[(int) bytes])));
                    memory.fill((byte) all.size());
                    all.add(memory);
                }
            }
            for (int i = 0; i < all.size(); i++) {
                for (long at = 0; at < all.get(i).byteSize(); at += 61) {
                    assertEquals((byte) i, all.get(i).get(ValueLayout.JAVA_BYTE, at));
                }
            }
            assertTrue(arena.describe().contains("pages"), arena.describe());
        }
    }

    @Test
    void aWireFindsSharedMemoryByItsAddressAndNoOther() {
        MemorySegment memory;
        try (var arena = SharedArena.open();
                var other = Arena.ofConfined()) {
            memory = arena.allocate(10_000, 8);
            var chunk = SharedChunk.of(memory).orElseThrow();
            assertEquals(chunk, SharedChunk.of(memory.asSlice(5000, 100)).orElseThrow());
            assertFalse(SharedChunk.of(other.allocate(100)).isPresent());
            assertTrue(chunk.file().lengthSealed());
        }
        assertFalse(SharedChunk.of(memory).isPresent());
        assertFalse(memory.scope().isAlive());
    }

    @Test
    void whereTheMemoryIsIsSaid() {
        try (var own = SharedArena.open();
                var near = SharedArena.near("ffff:ff:1f.7")) {
            for (var arena : List.of(own, near)) {
                arena.allocate(10);
                assertTrue(arena.describe().contains("NUMA node"), arena.describe());
            }
        }
    }

    @Test
    void aClosedArenaGivesNothing() {
        var arena = SharedArena.open();
        arena.allocate(10);
        arena.close();
        assertThrows(IllegalStateException.class, () -> arena.allocate(10));
        assertThrows(IllegalStateException.class, arena::close);
    }

    @Test
    void asDeviceMemoryEachPieceIsFreedByItself() {
        try (var memory = new SharedHostMemory()) {
            assertTrue(memory.hostAccessible());
            var one = memory.allocate(100, 64);
            var two = memory.allocate(100, 64);
            memory.free(one);
            two.fill((byte) 1);
            assertFalse(one.scope().isAlive());
            var refusal = assertThrows(TransferException.class, () -> memory.free(one));
            assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code());
        }
    }
}
