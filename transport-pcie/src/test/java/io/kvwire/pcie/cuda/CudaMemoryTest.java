package io.kvwire.pcie.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.pcie.DeviceMemoryContract;
import io.kvwire.pcie.Runs;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;

import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** On a GPU where there is one, else on the simulated driver. */
class CudaMemoryTest extends DeviceMemoryContract {
    private Context context;
    private CudaMemory memory;

    @Override
    protected String name() {
        return "cuda:0";
    }

    @Override
    protected DeviceMemory openMemory() {
        context = TestDriver.open();
        memory = new CudaMemory(name(), context);
        return memory;
    }

    @Override
    protected void closeDevice() {
        if (context != null) {
            context.close();
        }
    }

    @Test
    void copiesWithinTheDeviceAreCutWhereEitherSideIs() {
        var source = memory.allocate(4 << 20, 64);
        var target = memory.allocate(4 << 20, 64);
        byte[] all = new byte[1 << 20];
        new Random(3).nextBytes(all);
        scatter(all, new Runs().add(source, 0, all.length));
        var from = new Runs();
        var to = new Runs();
        for (int i = 0; i < 1024; i++) {
            from.add(source, (1023 - i) * 1024L, 1024);
        }
        for (int i = 0; i < 512; i++) {
            to.add(target, i * 4096L, 2048);
        }

        memory.copy(from, to);

        assertArrayEquals(gathered(from.again()), gathered(to.again()));
    }

    @Test
    void aCopyIntoLessIsRefused() {
        var segment = memory.allocate(4096, 64);
        assertThrows(
                TransferException.class,
                () ->
                        memory.copy(
                                new Runs().add(segment, 0, 100), new Runs().add(segment, 200, 99)));
    }

    @Test
    void memoryOfAnEngineIsAdoptedWithinItsAllocation() {
        try (var tensor = context.allocate(100_000)) {
            var segment = memory.adopt(tensor.address() + 512, 50_000);
            scatter(new byte[] {1, 2, 3}, new Runs().add(segment, 49_997, 3));
            assertArrayEquals(new byte[] {1, 2, 3}, gathered(new Runs().add(segment, 49_997, 3)));

            assertThrows(
                    TransferException.class, () -> memory.adopt(tensor.address() + 512, 100_000));
            assertThrows(TransferException.class, () -> memory.adopt(tensor.address() + 1024, 8));
            assertThrows(TransferException.class, () -> memory.adopt(4096, 8));
            assertThrows(TransferException.class, () -> memory.free(segment));

            memory.release(segment);
            refused(new Runs().add(segment, 0, 1));
            assertThrows(TransferException.class, () -> memory.release(segment));
        }
    }

    @Test
    void alignmentsOverTheDriversAreKept() {
        for (long alignment = 256; alignment <= 1 << 16; alignment *= 2) {
            var segment = memory.allocate(100, alignment);
            assertEquals(0, segment.address() % alignment);
            memory.free(segment);
        }
    }

    @Test
    void pinnedMemoryOfTheHostIsCopiedAndUnpinned() {
        var segment = memory.allocate(10_000, 64);
        byte[] all = new byte[10_000];
        new Random(4).nextBytes(all);
        try (var arena = Arena.ofShared()) {
            var host = arena.allocateFrom(ValueLayout.JAVA_BYTE, all);
            memory.pin(host);
            memory.scatter(host, new Runs().add(segment, 0, all.length));
            memory.unpin(host);
            memory.unpin(host);
        }
        assertArrayEquals(all, gathered(new Runs().add(segment, 0, all.length)));
    }

    @Test
    void copiesDoNotWaitForWhatTheDeviceComputes() {
        var segment = memory.allocate(1 << 20, 64);
        try (var compute = context.stream();
                var busy = context.event();
                var large = context.allocate(64 << 20)) {
            for (int i = 0; i < 200; i++) {
                compute.fill(large.address(), (byte) i, large.bytes());
            }
            compute.record(busy);
            scatter(new byte[] {5}, new Runs().add(segment, 77, 1));
            assertArrayEquals(new byte[] {5}, gathered(new Runs().add(segment, 77, 1)));
            assertFalse(busy.isDone(), "the copies were done first");
            compute.synchronize();
        }
    }
}
