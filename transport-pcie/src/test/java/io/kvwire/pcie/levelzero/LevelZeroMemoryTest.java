package io.kvwire.pcie.levelzero;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvwire.ffi.levelzero.Context;
import io.kvwire.ffi.linux.Descriptors;
import io.kvwire.pcie.DeviceMemoryContract;
import io.kvwire.pcie.Runs;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;

import org.junit.jupiter.api.Test;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;

class LevelZeroMemoryTest extends DeviceMemoryContract {
    /** More than the simulated driver has. */
    private static final int MOST_ALLOCATIONS = 1 << 16;

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

    /** The more there is, the further a lane comes; what it has opened is closed again. */
    @Test
    void aLaneForWhichThereIsNoRoomLeavesNothingOpen() {
        var segment = memory.allocate(8192, 4096);
        var taken = new ArrayDeque<MemorySegment>();
        try {
            while (taken.size() < MOST_ALLOCATIONS) {
                taken.push(context.allocate(1, 1));
            }
        } catch (TransferException e) {
            assertEquals(ErrorCode.RESOURCE_EXHAUSTED, e.code());
        }
        try (var other = new LevelZeroMemory("xpu:1", context)) {
            int refusals = 0;
            for (boolean lane = false; !lane; context.free(taken.pop())) {
                try {
                    other.free(other.allocate(1, 1));
                    lane = true;
                } catch (TransferException e) {
                    assertEquals(ErrorCode.RESOURCE_EXHAUSTED, e.code());
                    refusals++;
                }
            }
            assertEquals(3, refusals, "for memory, and for each part of a lane's");
        } finally {
            taken.forEach(context::free);
        }
        assertArrayEquals(new byte[8192], gathered(new Runs().add(segment, 0, 8192)));
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
