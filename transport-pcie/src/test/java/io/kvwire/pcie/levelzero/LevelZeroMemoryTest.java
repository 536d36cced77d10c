package io.kvwire.pcie.levelzero;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvwire.ffi.levelzero.Context;
import io.kvwire.ffi.linux.Descriptors;
import io.kvwire.pcie.DeviceMemoryContract;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;

import org.junit.jupiter.api.Test;

class LevelZeroMemoryTest extends DeviceMemoryContract {
    private Context context;
    private LevelZeroMemory memory;

    @Override
    protected String name() {
        return "xpu:0";
    }

    @Override
    protected DeviceMemory openMemory() {
        context = SimulatedLevelZero.open();
        memory = new LevelZeroMemory(name(), context);
        return memory;
    }

    @Override
    protected void closeDevice() {
        if (context != null) {
            context.close();
            SimulatedLevelZero.assertNothingIsOpen();
        }
    }

    @Test
    void anotherProcessOpensMemoryByItsHandle() {
        var segment = memory.allocate(8192, 4096);

        // The simulated driver gives the memory itself; in a process of its own it is another.
        var refused =
                assertThrows(TransferException.class, () -> memory.openIpc(new byte[3], 8192));
        assertEquals(ErrorCode.OUT_OF_RANGE, refused.code());
        assertEquals(64, memory.ipcHandle(segment).length);
        try (var otherMemory = new LevelZeroMemory("xpu:1", context)) {
            var opened = otherMemory.openIpc(memory.ipcHandle(segment), 8192);
            assertEquals(segment.address(), opened.address());
            otherMemory.closeIpc(opened);
            assertThrows(TransferException.class, () -> otherMemory.closeIpc(opened));
            otherMemory.openIpc(memory.ipcHandle(segment), 8192); // closed with the memory
        }
    }

    @Test
    void shareableMemoryIsExportedAsADmaBufWithItsOffset() throws Exception {
        var segment = memory.allocateShareable(8192, 4096);

        var export = memory.dmaBuf(segment.asSlice(4096, 100));

        assertEquals(4096, export.offset());
        Descriptors.close(export.fd());
        var plain = memory.allocate(8192, 4096);
        var refused = assertThrows(TransferException.class, () -> memory.dmaBuf(plain));
        assertEquals(ErrorCode.PATH_UNAVAILABLE, refused.code());
    }
}
