package io.kvwire.ffi.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.kernels.KernelSource;
import io.kvwire.ffi.linux.Descriptors;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/** Every part of the binding, on a GPU where there is one, else on the simulated driver. */
class DriverTest {
    private Context context;
    private Stream stream;
    private Arena arena;

    @BeforeEach
    void open() {
        context = TestDriver.open();
        stream = context.stream();
        arena = Arena.ofShared();
    }

    @AfterEach
    void close() {
        if (context != null) {
            arena.close();
            stream.close();
            context.close();
        }
    }

    @Test
    void aDeviceDescribesItself() {
        var device = context.device();
        assertTrue(CudaLibrary.version() >= 11000, "CUDA " + CudaLibrary.version());
        assertEquals("", CudaLibrary.reason());
        assertFalse(device.name().isBlank());
        assertEquals(32, device.uuid().length());
        assertTrue(device.pciAddress().matches("[0-9A-Fa-f:.]{7,16}"), device.pciAddress());
        assertTrue(device.computeCapability() >= 30, "capability " + device.computeCapability());
        assertTrue(device.memoryBytes() > 1 << 28);
        assertTrue(device.multiprocessors() > 0);
        assertTrue(context.freeBytes() > 0);
        var failure = assertThrows(TransferException.class, () -> CudaLibrary.device(1000));
        assertEquals(ErrorCode.PATH_UNAVAILABLE, failure.code());
    }

    @Test
    void memoryComesBackAsItWent() {
        try (var one = context.allocate(1000);
                var two = context.allocate(1000);
                var pinned = context.allocatePinned(1000)) {
            byte[] bytes = random(1000);
            MemorySegment.copy(bytes, 0, pinned.memory(), ValueLayout.JAVA_BYTE, 0, 1000);
            stream.copyToDevice(pinned.memory(), one.address());
            stream.copy(one.address(), two.address(), 1000);
            stream.fill(one.address(), (byte) 0, 1000);
            assertArrayEquals(bytes, read(two.address(), 1000));
            assertArrayEquals(new byte[1000], read(one.address(), 1000));
        }
    }

    @Test
    void rowsAndBatchesAreCopied() {
        try (var source = context.allocate(1 << 16);
                var target = context.allocate(1 << 16)) {
            byte[] bytes = random(1 << 16);
            write(bytes, source.address());
            stream.copyRows(
                    new Stream.Pitched(source.address(), 512),
                    new Stream.Pitched(target.address(), 100),
                    100,
                    128);
            byte[] rows = read(target.address(), 12_800);
            for (int i = 0; i < rows.length; i++) {
                assertEquals(bytes[i / 100 * 512 + i % 100], rows[i], "byte " + i);
            }

            var targets = arena.allocate(ValueLayout.JAVA_LONG, 64);
            var sources = arena.allocate(ValueLayout.JAVA_LONG, 64);
            var sizes = arena.allocate(ValueLayout.JAVA_LONG, 64);
            for (int i = 0; i < 64; i++) {
                targets.setAtIndex(ValueLayout.JAVA_LONG, i, target.address() + i * 64L);
                sources.setAtIndex(ValueLayout.JAVA_LONG, i, source.address() + (63 - i) * 64L);
                sizes.setAtIndex(ValueLayout.JAVA_LONG, i, 64);
            }
            stream.copyBatch(targets, sources, sizes, 0);
            stream.copyBatch(targets, sources, sizes, 64);
            byte[] batch = read(target.address(), 4096);
            for (int i = 0; i < batch.length; i++) {
                assertEquals(bytes[(63 - i / 64) * 64 + i % 64], batch[i], "byte " + i);
            }
        }
    }

    @Test
    void aStreamWaitsForAnEventOfAnother() {
        try (var other = context.urgentStream();
                var event = context.event();
                var large = context.allocate(32 << 20);
                var small = context.allocate(16)) {
            assertTrue(event.isDone(), "as long as it was never recorded");
            for (int round = 1; round <= 20; round++) {
                stream.fill(large.address(), (byte) round, large.bytes());
                stream.record(event);
                other.waitFor(event);
                other.copy(large.address() + large.bytes() - 16, small.address(), 16);
                other.synchronize();
                assertEquals(round, read(small.address(), 16)[15]);
            }
            assertTrue(event.isDone());
            assertTrue(stream.isIdle());
        }
    }

    @Test
    void timedEventsTellHowLongWorkTook() {
        try (var start = context.timedEvent();
                var end = context.timedEvent();
                var memory = context.allocate(1 << 20)) {
            stream.record(start);
            stream.fill(memory.address(), (byte) 1, memory.bytes());
            stream.record(end);
            end.await();
            assertTrue(end.nanosSince(start) > 0);
        }
    }

    @Test
    void virtualMemoryIsExportedAndMapped() {
        assumeTrue(context.device().virtualMemory(), "the device has no virtual memory");
        try (var memory = context.allocateVirtual(100)) {
            int descriptor = memory.export();
            byte[] bytes = random(4096);
            write(bytes, memory.address());
            try (var mapped = context.importVirtual(descriptor, memory.bytes())) {
                assertArrayEquals(bytes, read(mapped.address(), 4096));
                assertFalse(context.isExportable(mapped.address()));
            } finally {
                Descriptors.close(descriptor);
            }
        }
    }

    @Test
    void theDriverKnowsWhatAnAddressIsIn() {
        try (var memory = context.allocate(10_000)) {
            var range = context.rangeOf(memory.address() + 5000);
            assertEquals(memory.address(), range.start());
            assertTrue(range.contains(memory.address() + 9999, 1));
            assertFalse(range.contains(memory.address() - 1, 1));
            assertEquals(0, context.deviceOf(memory.address()).orElseThrow());
            assertTrue(context.isExportable(memory.address()));
        }
        try (var pinned = context.allocatePinned(100)) {
            assertTrue(context.deviceOf(pinned.memory().address()).isEmpty());
        }
        assertTrue(context.deviceOf(4096).isEmpty());
    }

    @Test
    void aDmaBufIsADescriptor() {
        assumeTrue(context.device().dmaBuf(), "the device exports no dma-buf");
        try (var memory = context.allocate(4 << 20)) {
            int descriptor = context.dmaBuf(memory.address(), 2 << 20);
            assertTrue(descriptor >= 0);
            Descriptors.close(descriptor);
        }
    }

    @Test
    void writesOfNicsAreFlushedWhereTheDeviceCan() {
        assumeTrue(context.device().flushesRdmaWrites(), "the device cannot be told to");
        context.flushRdmaWrites();
    }

    @Test
    void aHandleIsForOtherProcessesOnly() {
        try (var memory = context.allocate(1000);
                var event = context.sharedEvent()) {
            var handle = context.export(memory.address());
            assertEquals(handle, IpcHandle.of(handle.bytes()));
            assertEquals(handle.hashCode(), context.export(memory.address()).hashCode());
            assertThrows(TransferException.class, () -> context.open(handle));
            assertEquals(IpcHandle.BYTES, event.export().bytes().length);
        }
    }

    @Test
    void registeredMemoryIsRegisteredOnce() {
        var host = arena.allocate(1 << 20, 4096);
        context.register(host);
        assertThrows(TransferException.class, () -> context.register(host));
        context.unregister(host);
        assertThrows(TransferException.class, () -> context.unregister(host));
    }

    @Test
    void aModuleThatIsNoneSaysWhatTheCompilerSays() {
        var failure = assertThrows(TransferException.class, () -> context.module("this is no PTX"));
        assertTrue(failure.getMessage().contains("CUDA_ERROR_INVALID"), failure::getMessage);
        assertTrue(failure.getMessage().contains("ptxas"), failure::getMessage);
    }

    @Test
    void argumentsOfAnotherSizeOrNumberAreRefused() {
        try (var module = context.module(KernelSource.ptx());
                var kernel = module.kernel("kv_gather_runs")) {
            assertThrows(TransferException.class, () -> module.kernel("kv_nothing"));
            assertThrows(TransferException.class, () -> stream.launch(kernel, 1, 128));
            assertThrows(TransferException.class, () -> kernel.argument(0, 1));
            assertThrows(TransferException.class, () -> kernel.argument(3, 1L));
            assertThrows(TransferException.class, () -> kernel.argument(-1, 1L));
            assertEquals("kv_gather_runs", kernel.name());
        }
    }

    @Test
    void memoryOfTheHeapIsRefused() {
        var heap = MemorySegment.ofArray(new byte[16]);
        try (var memory = context.allocate(16)) {
            assertThrows(
                    TransferException.class, () -> stream.copyToDevice(heap, memory.address()));
            assertThrows(TransferException.class, () -> stream.copyToHost(memory.address(), heap));
        }
    }

    private byte[] random(int bytes) {
        byte[] random = new byte[bytes];
        new Random(bytes).nextBytes(random);
        return random;
    }

    private void write(byte[] bytes, long address) {
        stream.copyToDevice(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), address);
        stream.synchronize();
    }

    private byte[] read(long address, int bytes) {
        var host = arena.allocate(bytes);
        stream.copyToHost(address, host);
        stream.synchronize();
        return host.toArray(ValueLayout.JAVA_BYTE);
    }
}
