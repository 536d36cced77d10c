package io.kvwire.ffi.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.kvwire.ffi.kernels.KernelSource;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.List;

/** What only a driver can show that fails on demand and sees what a program must not do. */
class SimulatedDriverTest {
    private Context context;
    private int before;

    @BeforeEach
    void open() {
        assumeFalse(TestDriver.isReal(), "there is a GPU: a real driver does not fail on demand");
        context = TestDriver.open();
        before = Simulator.live();
        Simulator.tolerate(true);
    }

    @AfterEach
    void close() {
        if (context != null) {
            assertEquals(before, Simulator.live(), "everything is closed");
            Simulator.forget();
            context.close();
            Simulator.tolerate(false);
        }
    }

    /** Whatever step of making virtual memory fails, the steps before are undone. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "cuMemGetAllocationGranularity",
                "cuMemCreate",
                "cuMemAddressReserve",
                "cuMemMap",
                "cuMemSetAccess"
            })
    void virtualMemoryIsUndoneWhenAStepFails(String function) {
        Simulator.fail(function, 0, Result.CUDA_ERROR_OUT_OF_MEMORY);
        var failure = assertThrows(TransferException.class, () -> context.allocateVirtual(100));
        assertEquals(ErrorCode.RESOURCE_EXHAUSTED, failure.code());
        assertTrue(failure.getMessage().contains(function), failure::getMessage);
        assertEquals(List.of(), Simulator.violations());
    }

    @Test
    void errorsHaveTheirNameAndWhatToDo() {
        Simulator.fail("cuMemAlloc_v2", 0, Result.CUDA_ERROR_SYSTEM_NOT_READY);
        var failure = assertThrows(TransferException.class, () -> context.allocate(100));
        assertEquals(ErrorCode.PATH_UNAVAILABLE, failure.code());
        assertTrue(failure.getMessage().contains("CUDA_ERROR_SYSTEM_NOT_READY (802)"));
        assertTrue(failure.getMessage().contains("nvidia-fabricmanager"), failure::getMessage);
    }

    @Test
    void moreMemoryThanThereIsIsRefused() {
        Simulator.limitBytes(1 << 20);
        try (var half = context.allocate(512 << 10)) {
            var failure = assertThrows(TransferException.class, () -> context.allocate(513 << 10));
            assertEquals(ErrorCode.RESOURCE_EXHAUSTED, failure.code());
            assertTrue(half.bytes() > 0);
        } finally {
            Simulator.limitBytes(1L << 40);
        }
    }

    @Test
    void aStreamThatIsHeldHoldsUpNoOther() {
        try (var held = context.stream();
                var free = context.urgentStream();
                var event = context.event();
                var memory = context.allocate(16);
                var arena = Arena.ofShared()) {
            Simulator.hold(held, true);
            held.fill(memory.address(), (byte) 1, 16);
            held.record(event);
            free.fill(memory.address(), (byte) 2, 16);
            var host = arena.allocate(16);
            free.copyToHost(memory.address(), host);
            free.synchronize();
            assertEquals(2, host.get(ValueLayout.JAVA_BYTE, 0));
            assertFalse(event.isDone());
            assertFalse(held.isIdle());
            Simulator.hold(held, false);
            event.await();
            assertTrue(held.isIdle());
        }
    }

    @Test
    void aCopyOutsideItsMemoryIsSeenAndLosesTheDevice() {
        try (var stream = context.stream();
                var memory = context.allocate(100)) {
            stream.fill(memory.address() + 1, (byte) 1, 100);
            var failure = assertThrows(TransferException.class, stream::synchronize);
            assertTrue(failure.getMessage().contains("ILLEGAL_ADDRESS"), failure::getMessage);
            assertTrue(Simulator.violations().getFirst().contains("fill"));
            Simulator.forget();
        }
    }

    @Test
    void unlockingMemoryThatACopyUsesIsSeen() {
        try (var stream = context.stream();
                var memory = context.allocate(100)) {
            var pinned = context.allocatePinned(100);
            Simulator.hold(stream, true);
            stream.copyToDevice(pinned.memory(), memory.address());
            pinned.close();
            assertTrue(Simulator.violations().getFirst().contains("cuMemFreeHost"));
            Simulator.hold(stream, false);
            stream.synchronize();
        }
    }

    @Test
    void whatIsOpenWhenTheContextGoesIsSeen() {
        var second = Context.of(context.device());
        var memory = second.allocate(100);
        assertEquals(before + 2, Simulator.live());
        memory.close();
        second.close();
        second.close();
    }

    @Test
    void aLaunchIsOneCallHoweverMuchItMoves() {
        long launches = Simulator.calls("cuLaunchKernel");
        try (var stream = context.stream();
                var module = context.module(KernelSource.ptx());
                var kernel = module.kernel("kv_gather_runs");
                var table = context.allocate(24)) {
            stream.fill(table.address(), (byte) 0, 24);
            kernel.argument(0, table.address());
            kernel.argument(1, 0L);
            kernel.argument(2, 0L);
            stream.launch(kernel, 1, 128);
            stream.synchronize();
        }
        assertEquals(launches + 1, Simulator.calls("cuLaunchKernel"));
    }
}
