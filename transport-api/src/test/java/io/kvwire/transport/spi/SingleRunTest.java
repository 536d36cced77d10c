package io.kvwire.transport.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;

class SingleRunTest {
    private final MemorySegment memory = MemorySegment.ofArray(new byte[100]);

    @Test
    void allOfSomeMemoryIsWalkedOnce() {
        var run = SingleRun.of(memory);

        assertTrue(run.next());
        assertSame(memory, run.segment());
        assertEquals(0, run.offset());
        assertEquals(100, run.length());
        assertFalse(run.next());
    }

    @Test
    void anotherWalkBegins() {
        var run = SingleRun.of(memory);
        assertTrue(run.next());

        run.start(memory, 7, 3);

        assertTrue(run.next());
        assertEquals(7, run.offset());
        assertEquals(3, run.length());
        assertFalse(run.next());
    }

    @Test
    void withoutBytesThereIsNoRun() {
        assertFalse(new SingleRun().next());
        assertFalse(SingleRun.of(memory.asSlice(0, 0)).next());
    }
}
