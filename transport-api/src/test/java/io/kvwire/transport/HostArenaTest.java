package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

class HostArenaTest {
    private static final long HUGE = 2L << 20;

    @ParameterizedTest
    @ValueSource(longs = {0, 1, 4096, HUGE - 1, HUGE, HUGE + 1, 3 * HUGE + 12345})
    void isZeroedAlignedAndAsLongAsAsked(long bytes) {
        try (var arena = HostArena.open()) {
            var memory = arena.allocate(bytes, 64);
            assertEquals(bytes, memory.byteSize());
            assertEquals(0, memory.address() % 4096);
            for (long at = 0; at < bytes; at++) {
                assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, at));
            }
            memory.fill((byte) 1);
        }
    }

    @Test
    void cannotBeReachedOnceItsArenaIsClosed() {
        var arena = HostArena.open();
        var memory = arena.allocate(HUGE, 64);
        arena.close();
        assertFalse(memory.scope().isAlive());
        assertThrows(IllegalStateException.class, () -> memory.get(ValueLayout.JAVA_BYTE, 0));
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void asksForHugePagesAndGivesTheMappingBack() throws IOException {
        long start;
        try (var arena = HostArena.open()) {
            var memory = arena.allocate(4 * HUGE, 64);
            start = memory.address();
            assertEquals(0, start % HUGE, "starts on a huge page");
            var mapping = mapping(start);
            assertFalse(mapping.isEmpty(), "mapped");
            assertTrue(
                    mapping.stream().anyMatch(l -> l.startsWith("VmFlags:") && l.contains(" hg")),
                    "advised: " + mapping);
        }
        assertTrue(mapping(start).isEmpty(), "no longer mapped");
    }

    /** The lines of the kernel's account of the mapping that an address lies in. */
    private static List<String> mapping(long address) throws IOException {
        var lines = Files.readAllLines(Path.of("/proc/self/smaps"));
        for (int i = 0; i < lines.size(); i++) {
            var range = lines.get(i).substring(0, lines.get(i).indexOf(' ')).split("-", -1);
            if (range.length == 2
                    && Long.parseUnsignedLong(range[0], 16) <= address
                    && address < Long.parseUnsignedLong(range[1], 16)) {
                int end = i + 1;
                while (!lines.get(end - 1).startsWith("VmFlags:")) {
                    end++;
                }
                return lines.subList(i, end);
            }
        }
        return List.of();
    }
}
