package io.kvwire.rdma;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.TransferContract;
import io.kvwire.tck.WireUnderTest;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.DmaBuf;
import io.kvwire.transport.spi.NicAccess;
import io.kvwire.transport.spi.RunCursor;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Caches in memory of a device that the NIC knows by address, on a NIC of this host. The device is
 * a face of the host's own memory.
 */
@Tag("rdma")
@Tag("rdma-device")
class GpuDeviceTest {
    @BeforeAll
    static void needsADevice() {
        DeviceWire.assumePresent();
    }

    @Nested
    class Transfers extends TransferContract {
        @Override
        protected WireUnderTest wire() {
            return io.kvwire.tck.DeviceWire.openToNics(new DeviceWire(Map.of()));
        }
    }

    /** Memory of the host that offers a descriptor which is no dma-buf. */
    private static final class Pretender implements DeviceMemory, NicAccess {
        final AtomicInteger offered = new AtomicInteger();
        final AtomicInteger closed = new AtomicInteger();
        private final Arena arena = Arena.ofShared();

        @Override
        public String device() {
            return "pretender:0";
        }

        @Override
        public boolean hostAccessible() {
            return false;
        }

        @Override
        public MemorySegment allocate(long bytes, long alignment) {
            return arena.allocate(bytes, alignment);
        }

        @Override
        public void free(MemorySegment memory) {
            // It goes with the arena.
        }

        @Override
        public void gather(RunCursor source, MemorySegment target) {
            throw new AssertionError("nothing is copied here");
        }

        @Override
        public void scatter(MemorySegment source, RunCursor target) {
            throw new AssertionError("nothing is copied here");
        }

        @Override
        public Optional<NicAccess> nicAccess() {
            return Optional.of(this);
        }

        @Override
        public DmaBuf dmaBuf(MemorySegment memory) {
            offered.incrementAndGet();
            return new DmaBuf(0, 0, closed::incrementAndGet);
        }

        @Override
        public void preparePeerMemory(MemorySegment memory) {
            // Memory of the host is ready.
        }

        @Override
        public String peerMemoryAdvice() {
            return "memory of the host needs none";
        }

        @Override
        public void settle() {
            // Memory of the host is seen as it is.
        }

        @Override
        public void close() {
            arena.close();
        }
    }

    @Test
    void whereADmaBufIsRefusedTheAddressIsTaken() {
        var verbs = NativeVerbs.panama();
        try (var memory = new Pretender();
                var nic = verbs.open(verbs.ports().getFirst().device())) {
            var segment = memory.allocate(1 << 20, 4096);
            var made = DeviceRegistration.of(nic, memory, segment, MemoryAccess.LOCAL_WRITE);
            try (var keys = made.keys()) {
                assertTrue(keys.localKey() != 0);
                assertEquals("peer memory", made.way());
            }
            assertEquals(1, memory.offered.get());
            assertEquals(1, memory.closed.get(), "descriptors closed");
        }
    }
}
