package io.kvwire.ffi.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.util.List;
import java.util.OptionalInt;

/** The NUMA nodes of the host that the test runs on, of which there may be one. */
class NumaNodesTest {
    private static final long BYTES = 1 << 20;

    @BeforeAll
    static void needsLinux() {
        assumeTrue(Linux.unavailable().isEmpty(), () -> Linux.unavailable().orElseThrow());
    }

    @Test
    void listsAsTheKernelWritesThemAreRead() {
        assertEquals(List.of(0), NumaNodes.parse("0\n"));
        assertEquals(List.of(0, 1, 3, 8, 9), NumaNodes.parse("0-1,3,8-9\n"));
        assertEquals(List.of(0), NumaNodes.parse(""));
        assertEquals(List.of(0), NumaNodes.parse("none"));
    }

    @Test
    void thisThreadRunsOnANodeThatIsOnline() {
        assertTrue(NumaNodes.online().contains(NumaNodes.ofThisThread().orElseThrow()));
    }

    @Test
    void memoryIsTakenFromTheNodeThatIsPreferred() {
        for (int node : NumaNodes.online()) {
            try (var file = MemoryFile.create("kvwire-test", BYTES, MemoryFile.Pages.BASE);
                    var arena = Arena.ofConfined()) {
                var memory = file.map(arena, BYTES, true);
                var refused = NumaNodes.prefer(memory, node);
                assumeTrue(refused.isEmpty(), () -> "may not place memory: " + refused);
                memory.fill((byte) 1);
                var on = NumaNodes.of(memory);
                assumeTrue(on.isPresent(), "may not ask where memory is");
                assertEquals(OptionalInt.of(node), on);
            }
        }
    }

    @Test
    void aNodeThatIsNotThereIsRefusedInWords() {
        try (var file = MemoryFile.create("kvwire-test", BYTES, MemoryFile.Pages.BASE);
                var arena = Arena.ofConfined()) {
            var memory = file.map(arena, BYTES, true);
            assertTrue(NumaNodes.prefer(memory, 1023).orElseThrow().contains("mbind"));
            assertTrue(NumaNodes.prefer(memory, -1).orElseThrow().contains("-1"));
            assertTrue(NumaNodes.prefer(memory, 1024).orElseThrow().contains("1024"));
        }
    }

    @Test
    void whatIsNoDeviceIsAtNoNode() {
        assertEquals(OptionalInt.empty(), NumaNodes.ofPciDevice("ffff:ff:1f.7"));
        assertEquals(OptionalInt.empty(), NumaNodes.ofPciDevice("../../../etc"));
        assertEquals(OptionalInt.empty(), NumaNodes.ofPciDevice(""));
    }
}
