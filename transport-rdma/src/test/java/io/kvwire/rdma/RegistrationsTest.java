package io.kvwire.rdma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;

/**
 * Registrations are made once, kept within a bound, and never taken from a frame that uses them.
 */
class RegistrationsTest {
    private static final int WRITE = MemoryAccess.LOCAL_WRITE | MemoryAccess.REMOTE_WRITE;

    private final SimFabric fabric = new SimFabric(1, SimFabric.Weather.FAIR);
    private final DeviceSegments devices = new DeviceSegments();
    private final Registrations registrations =
            new Registrations(fabric.verbs(1).open("sim0"), devices, 2, 0);
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void nothingStaysRegistered() {
        registrations.close();
        arena.close();
        assertEquals(0, fabric.registrations());
    }

    @Test
    void memoryIsRegisteredOnceForAnAccessAndWhatItIncludes() {
        var memory = arena.allocate(4096);
        var first = registrations.acquire(memory, WRITE);
        var second = registrations.acquire(memory, MemoryAccess.LOCAL_WRITE);
        var other = registrations.acquire(memory, MemoryAccess.REMOTE_READ);
        assertSame(first, second);
        assertNotSame(first, other);
        assertEquals(2, fabric.registrations());
        registrations.release(first);
        registrations.release(second);
        registrations.release(other);
        assertEquals(2, fabric.registrations(), "kept for the next frame");
    }

    @Test
    void theLeastRecentlyUsedMakesRoom() {
        var old = arena.allocate(64);
        var young = arena.allocate(64);
        registrations.release(registrations.acquire(old, WRITE));
        registrations.release(registrations.acquire(young, WRITE));
        registrations.release(registrations.acquire(arena.allocate(64), WRITE));
        assertEquals(2, registrations.size());
        assertEquals(1, registrations.evicted());
        long made = registrations.made();
        registrations.release(registrations.acquire(young, WRITE));
        assertEquals(made, registrations.made(), "the younger one is still there");
    }

    @Test
    void whenAllAreInUseTheLimitIsNamed() {
        var first = registrations.acquire(arena.allocate(64), WRITE);
        var second = registrations.acquire(arena.allocate(64), WRITE);
        var memory = arena.allocate(64);
        var refusal =
                assertThrows(TransferException.class, () -> registrations.acquire(memory, WRITE));
        assertEquals(ErrorCode.RESOURCE_EXHAUSTED, refusal.code());
        assertTrue(refusal.getMessage().contains("rdma.registrations"), refusal.getMessage());
        registrations.release(first);
        registrations.release(second);
    }

    @Test
    void memoryOfADeviceIsNotTheOneThatMakesRoom() {
        try (var gpu = new SimGpu(SimGpu.Offer.DMA_BUF)) {
            var memory = gpu.allocate(4096, 64);
            devices.add(memory, gpu);
            assertEquals("dma-buf", registrations.keep(memory, WRITE));
            registrations.release(registrations.acquire(arena.allocate(64), WRITE));
            registrations.release(registrations.acquire(arena.allocate(64), WRITE));
            assertEquals(1, fabric.gpuRegistrations());
            registrations.removed(memory);
            assertEquals(0, fabric.gpuRegistrations());
        }
    }

    @Test
    void memoryThatItsOwnerTakesBackStaysRegisteredUntilTheLastFrameIsDone() {
        var memory = arena.allocate(64);
        var used = registrations.acquire(memory, WRITE);
        registrations.removed(memory);
        assertEquals(1, fabric.registrations(), "a frame still uses it");
        var anew = registrations.acquire(memory, WRITE);
        assertNotSame(used, anew, "a new use is a new registration");
        registrations.release(used);
        assertEquals(1, fabric.registrations());
        registrations.release(anew);
    }
}
