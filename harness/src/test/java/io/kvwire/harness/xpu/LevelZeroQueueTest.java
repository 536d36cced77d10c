package io.kvwire.harness.xpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.NativeLibrary;
import io.kvwire.ffi.levelzero.Context;
import io.kvwire.ffi.levelzero.LevelZero;
import io.kvwire.pcie.levelzero.LevelZeroMemory;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;

@ExtendWith(OnLevelZero.class)
class LevelZeroQueueTest {
    /** More than the simulated driver has. */
    private static final int MOST_ALLOCATIONS = 1 << 16;

    private final Context context = Context.of(LevelZero.system().devices().getFirst());

    @Test
    void nothingStaysOpenWhereThereIsNoRoomForAQueue() throws Throwable {
        int before = open();
        try (context;
                var memory = new LevelZeroMemory("xpu:0", context)) {
            var all = allAllocations();
            int full = open();

            var refused =
                    assertThrows(
                            TransferException.class, () -> new LevelZeroQueue(context, memory));

            assertEquals(ErrorCode.RESOURCE_EXHAUSTED, refused.code());
            assertEquals(full, open(), "left open");
            all.forEach(context::free);
            new LevelZeroQueue(context, memory).close();
        }
        assertEquals(before - 1, open(), "left open");
    }

    private Deque<MemorySegment> allAllocations() {
        var all = new ArrayDeque<MemorySegment>();
        try {
            while (all.size() < MOST_ALLOCATIONS) {
                all.push(context.allocate(1, 1));
            }
        } catch (TransferException e) {
            assertEquals(ErrorCode.RESOURCE_EXHAUSTED, e.code());
        }
        return all;
    }

    /** How many objects of the simulated driver are open. */
    private static int open() throws Throwable {
        return (int)
                NativeLibrary.open(System.getProperty(LevelZero.LIBRARY_PROPERTY))
                        .function("simulated_open", FunctionDescriptor.of(JAVA_INT))
                        .invokeExact();
    }
}
