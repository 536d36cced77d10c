package io.kvwire.pcie.lanes;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;

class RoomTest {
    private static final long MOST = 100;

    private record Memory(long bytes) {}

    private final List<Memory> live = new ArrayList<>();
    private final Room<Memory> room = new Room<>(this::allocate, this::free);

    private Memory allocate(long bytes) {
        if (bytes > MOST) {
            throw new TransferException(ErrorCode.RESOURCE_EXHAUSTED, "no room");
        }
        var memory = new Memory(bytes);
        live.add(memory);
        return memory;
    }

    private void free(Memory memory) {
        assertTrue(live.remove(memory), "freed once");
    }

    @Test
    void aBufferStaysWhileItIsLargeEnough() {
        var first = room.atLeast(10);

        assertSame(first, room.atLeast(10));
        assertSame(first, room.atLeast(3));
        assertEquals(List.of(new Memory(10)), live);
    }

    @Test
    void theFormerIsFreedWhenTheLargerIsThere() {
        room.atLeast(10);

        assertEquals(20, room.atLeast(20).bytes());
        assertEquals(List.of(new Memory(20)), live);
    }

    @Test
    void theFormerStaysWhereThereIsNoRoomForALarger() {
        var former = room.atLeast(10);

        assertThrows(TransferException.class, () -> room.atLeast(MOST + 1));

        assertSame(former, room.atLeast(10));
        assertEquals(List.of(former), live);
    }

    @Test
    void nothingIsABufferToo() {
        assertEquals(1, room.atLeast(0).bytes());
    }

    @Test
    void closingFreesOnce() {
        room.close();
        room.atLeast(10);
        room.close();
        room.close();

        assertEquals(List.of(), live);
    }
}
