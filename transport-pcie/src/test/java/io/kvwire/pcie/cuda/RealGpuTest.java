package io.kvwire.pcie.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** What the simulated driver takes for granted of the real one. */
@Tag("cuda")
class RealGpuTest {
    private Context context;
    private CudaMemory memory;

    @BeforeEach
    void open() {
        assumeTrue(TestDriver.isReal(), "needs a GPU of NVIDIA: there is no /dev/nvidiactl here");
        context = TestDriver.open();
        memory = new CudaMemory("cuda:0", context);
    }

    @AfterEach
    void close() {
        if (context != null) {
            memory.close();
            context.close();
        }
    }

    @Test
    void anAllocationHasOneHandleWhereverItIsAskedFor() {
        var segment = memory.allocate(1 << 20, 256);
        var handle = context.export(segment.address());
        assertEquals(handle, context.export(segment.address()));
        assertEquals(handle, context.export(segment.address() + 4096));
        assertTrue(context.isExportable(segment.address() + 4096));
    }

    @Test
    void aProcessDoesNotOpenItsOwnHandle() {
        var handle = context.export(memory.allocate(1 << 20, 256).address());
        assertThrows(TransferException.class, () -> context.open(handle));
    }

    @Test
    void virtualMemoryHasNoHandle() {
        assumeTrue(context.device().virtualMemory(), "the device has no virtual memory");
        try (var virtual = context.allocateVirtual(1 << 20)) {
            assertFalse(context.isExportable(virtual.address()));
        }
    }

    @Test
    void memoryThatNobodyHasWrittenIsKnownByItsAllocation() {
        var segment = memory.allocate(3 << 20, 256);
        var range = context.rangeOf(segment.address() + (2 << 20));
        assertTrue(range.contains(segment.address(), segment.byteSize()), range::toString);
    }
}
