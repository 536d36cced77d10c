package io.kvwire.pcie.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.NicAccess;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.lang.foreign.Arena;

/** What a NIC is offered: on a GPU where there is one, else on the simulated driver. */
class CudaNicAccessTest {
    private static final int PAGE_BYTES = 4096;

    private Context context;
    private CudaMemory memory;
    private NicAccess access;

    @BeforeEach
    void open() {
        context = TestDriver.open();
        memory = new CudaMemory("cuda:0", context);
        access = memory.nicAccess().orElseThrow();
    }

    @AfterEach
    void close() {
        if (context != null) {
            memory.close();
            context.close();
        }
    }

    @Test
    void aDmaBufIsOfWholePagesAndTellsWhereInThemTheMemoryStarts() {
        assumeTrue(context.device().dmaBuf(), "the device exports no dma-buf");
        var segment = memory.allocate(1 << 20, 256).asSlice(1000, 5000);
        try (var buffer = access.dmaBuf(segment)) {
            assertTrue(buffer.descriptor() >= 0);
            assertEquals(segment.address() % PAGE_BYTES, buffer.offset());
        }
    }

    @Test
    void memoryThatIsNotTheDevicesIsRefused() {
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(100);
            assertEquals(
                    ErrorCode.OUT_OF_RANGE,
                    assertThrows(TransferException.class, () -> access.dmaBuf(host)).code());
            assertEquals(
                    ErrorCode.OUT_OF_RANGE,
                    assertThrows(TransferException.class, () -> access.preparePeerMemory(host))
                            .code());
        }
    }

    @Test
    void peerMemoryIsPreparedAndWritesAreFlushed() {
        access.preparePeerMemory(memory.allocate(1 << 20, 256));
        access.settle();
        assertTrue(access.peerMemoryAdvice().contains("nvidia-peermem"));
    }
}
