package io.kvwire.transport.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

class StagingTest {
    private final List<MemorySegment> registered = new ArrayList<>();

    private Staging staging(int slots, long bytes) {
        return new Staging(
                slots,
                bytes,
                registered::add,
                memory -> {
                    assertTrue(
                            registered.removeIf(known -> known == memory),
                            "known memory is removed");
                });
    }

    @Test
    void slotsAreUsedAgainWithoutNewMemory() {
        var staging = staging(8, 1 << 20);
        var first = staging.take(5000);
        assertTrue(first.bytes() >= 5000);
        staging.give(first);
        long allocated = staging.allocatedBytes();
        for (int i = 0; i < 1000; i++) {
            var slot = staging.take(5000 + i);
            assertSame(registered.getFirst(), slot.memory());
            staging.give(slot);
        }
        assertEquals(allocated, staging.allocatedBytes());
        assertEquals(1, registered.size(), "one slab");
    }

    @Test
    void takenSlotsDoNotOverlap() {
        var staging = staging(64, 4 << 20);
        var random = new Random(1);
        var taken = new ArrayList<Staging.Slot>();
        for (int i = 0; i < 64; i++) {
            var slot = staging.take(1 + random.nextInt(40_000));
            for (var other : taken) {
                boolean apart =
                        slot.memory() != other.memory()
                                || slot.offset() >= other.offset() + other.bytes()
                                || other.offset() >= slot.offset() + slot.bytes();
                assertTrue(apart, "two slots share bytes");
            }
            assertTrue(slot.offset() + slot.bytes() <= slot.memory().byteSize());
            taken.add(slot);
        }
    }

    @Test
    void slotsAndBytesAreBounded() {
        var staging = staging(3, 64 << 10);
        var a = staging.take(4096);
        assertTrue(staging.room(4096));
        var b = staging.take(4096);
        var c = staging.take(4096);
        assertFalse(staging.room(4096), "three slots are taken");
        staging.give(b);
        assertTrue(staging.room(4096));
        assertFalse(staging.room(60 << 10), "too many bytes beside the others");
        staging.give(a);
        staging.give(c);
        assertTrue(staging.room(1 << 20), "a frame that is alone always has room");
        var large = staging.take(1 << 20);
        assertTrue(large.bytes() >= 1 << 20);
        assertFalse(staging.room(1));
        staging.give(large);
        assertEquals(0, staging.slotsTaken());
    }

    @Test
    void idleMemoryGivesWayToSlotsOfAnotherSize() {
        var staging = staging(64, 1 << 20);
        for (int bytes = 4096; bytes <= 1 << 20; bytes *= 2) {
            staging.give(staging.take(bytes));
            assertTrue(
                    staging.allocatedBytes() <= 1 << 20, "allocated " + staging.allocatedBytes());
        }
    }

    @Test
    void noMoreIdleMemoryGivesWayThanIsNeeded() {
        var staging = staging(64, 8 << 20);
        var large = new ArrayList<Staging.Slot>();
        for (int i = 0; i < 8; i++) {
            large.add(staging.take(1 << 20));
        }
        large.forEach(staging::give);
        var before = List.copyOf(registered);

        staging.give(staging.take(4096));

        assertEquals(8 << 20, staging.allocatedBytes());
        assertEquals(7, before.stream().filter(registered::contains).count(), "slabs that stayed");
    }

    @Test
    void closingLetsGoOfMemoryOnceItIsFree() {
        var staging = staging(8, 1 << 20);
        var slot = staging.take(100);
        staging.close();
        assertEquals(1, registered.size(), "a slot is taken");
        staging.give(slot);
        assertTrue(registered.isEmpty());
        assertEquals(0, staging.allocatedBytes());
    }
}
