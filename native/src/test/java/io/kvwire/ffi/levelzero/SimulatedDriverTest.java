package io.kvwire.ffi.levelzero;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CCompiler;
import io.kvwire.ffi.NativeLibrary;
import io.kvwire.ffi.linux.Descriptors;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.nio.file.Files;
import java.nio.file.Path;

/** The binding on a driver in C that refuses whatever it is called with wrongly. */
class SimulatedDriverTest {
    private static final byte[] SPIR_V = {3, 2, 0x23, 7, 0, 0, 0, 0};

    @TempDir private static Path folder;
    private static Path library;

    private Context context;

    @BeforeAll
    static void compileTheDriver() throws Exception {
        CCompiler.assumePresent("level_zero/ze_api.h");
        var source = folder.resolve("simulated.c");
        try (var in = SimulatedDriverTest.class.getResourceAsStream("simulated.c")) {
            Files.write(source, in.readAllBytes());
        }
        library = CCompiler.library(folder, "simulated-level-zero.so", source);
    }

    @BeforeEach
    void open() {
        var levelZero = LevelZero.open(library.toString());
        assertTrue(levelZero.isPresent(), levelZero.reason());
        context = Context.of(levelZero.devices().getFirst());
    }

    @AfterEach
    void nothingIsLeftOpen() throws Throwable {
        if (context != null) {
            context.close();
            var open =
                    NativeLibrary.open(library.toString())
                            .function("simulated_open", FunctionDescriptor.of(JAVA_INT));
            assertEquals(0, (int) open.invokeExact());
        }
    }

    @Test
    void theDeviceTellsAboutItself() {
        var device = context.device();

        assertEquals("Simulated", device.name());
        assertEquals("0102030405060708090a0b0c0d0e0f10", device.uuid());
        assertEquals(3L << 32, device.largestAllocationBytes());
        assertEquals(3L << 33, device.memoryBytes());
        assertTrue(device.canAccess(device));
    }

    @Test
    void bytesGoToTheDeviceAndBack() {
        var memory = context.allocate(10_000, 64);
        try (var arena = Arena.ofConfined();
                var list = context.list()) {
            var host = arena.allocateFrom(JAVA_BYTE, (byte) 1, (byte) 2, (byte) 3);
            list.fill(memory, (byte) 9);
            list.copy(host, memory.asSlice(5_000, 3));

            var back = arena.allocate(5);
            list.copy(memory.asSlice(4_999, 5), back);
            assertArrayEquals(new byte[] {9, 1, 2, 3, 9}, back.toArray(JAVA_BYTE));
        }
        context.free(memory);
    }

    @Test
    void memoryOfTheHostIsTheHostsToo() {
        var pinned = context.allocateHost(64, 64);
        pinned.set(JAVA_LONG, 0, 42);

        assertEquals(42, pinned.get(JAVA_LONG, 0));
        context.free(pinned);
    }

    @Test
    void anotherProcessOpensMemoryByItsHandle() {
        var memory = context.allocate(4096, 4096);
        byte[] name = context.ipcHandle(memory);

        var opened = context.openIpc(name, 4096);

        assertEquals(memory, opened);
        context.closeIpc(opened);
        context.free(memory);
        var refused =
                assertThrows(TransferException.class, () -> context.openIpc(new byte[63], 4096));
        assertEquals(ErrorCode.OUT_OF_RANGE, refused.code());
    }

    @Test
    void shareableMemoryIsExportedAsADmaBufWithItsOffset() throws Exception {
        var memory = context.allocateShareable(8192, 4096);

        var export = context.dmaBuf(memory.asSlice(4096, 100));

        assertEquals(4096, export.offset());
        Descriptors.close(export.fd());
        context.free(memory);
    }

    @Test
    void memoryThatWasNotAskedToBeShareableIsNotExported() {
        var memory = context.allocate(8192, 4096);

        var refused = assertThrows(TransferException.class, () -> context.dmaBuf(memory));

        assertEquals(ErrorCode.PATH_UNAVAILABLE, refused.code());
        context.free(memory);
    }

    @Test
    void aKernelRunsOverItsGroupsWithItsArguments() {
        var memory = context.allocate(64, 64);
        try (var arena = Arena.ofConfined();
                var list = context.list();
                var module = context.module(SPIR_V, "-some-option");
                var kernel = module.kernel("add", 8)) {
            list.fill(memory, (byte) 1);
            kernel.pointer(0, memory);
            kernel.argument(1, arena.allocateFrom(JAVA_INT, 6));
            list.launch(kernel, 3);

            var back = arena.allocate(64);
            list.copy(memory, back);
            assertEquals(7, back.get(JAVA_BYTE, 23));
            assertEquals(1, back.get(JAVA_BYTE, 24));
        }
        context.free(memory);
    }

    @Test
    void errorsSayWhatWasCalledAndWhatToDo() {
        failure(
                ErrorCode.INTERNAL,
                "not SPIR-V",
                () -> context.module(new byte[] {1, 2, 3, 4}, "-some-option"));
        failure(ErrorCode.RESOURCE_EXHAUSTED, "Free memory", () -> context.allocate(1L << 40, 1));
        try (var module = context.module(SPIR_V, "-some-option")) {
            failure(ErrorCode.OUT_OF_RANGE, "no such kernel", () -> module.kernel("sub", 8));
            failure(ErrorCode.OUT_OF_RANGE, "smaller groups", () -> module.kernel("add", 4096));
            try (var arena = Arena.ofConfined();
                    var kernel = module.kernel("add", 8)) {
                var wide = arena.allocate(8);
                failure(ErrorCode.OUT_OF_RANGE, "another type", () -> kernel.argument(1, wide));
            }
        }
    }

    private static void failure(ErrorCode code, String says, Runnable call) {
        var failure = assertThrows(TransferException.class, call::run);
        assertEquals(code, failure.code(), failure.getMessage());
        assertTrue(failure.getMessage().contains(says), failure.getMessage());
    }
}
