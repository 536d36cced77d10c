package io.kvwire.pcie.cuda;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.IpcHandle;
import io.kvwire.pcie.Runs;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * Two processes on one device: {@link CudaPeer} is the other. On a GPU where there is one, else on
 * the simulated driver, which ends a process that opens a handle twice, or frees what others use.
 */
class CudaIpcTest {
    private static final int BLOCKS = 500;
    private static final int BLOCK_BYTES = 3000;

    private Context context;
    private CudaMemory memory;

    @BeforeEach
    void open() {
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

    /** The peer pulls scattered blocks into its own memory, changes them, and pushes them back. */
    @Test
    void anotherProcessReadsAndWritesBlocksInPlace() throws Exception {
        // Two ranges of one allocation: the peer opens it once.
        var both = memory.allocate(2L * BLOCKS * BLOCK_BYTES, 64);
        var first = both.asSlice(0, (long) BLOCKS * BLOCK_BYTES);
        var second = both.asSlice((long) BLOCKS * BLOCK_BYTES);
        byte[] content = new byte[BLOCKS * BLOCK_BYTES];
        new Random(5).nextBytes(content);
        try (var arena = Arena.ofShared()) {
            var host = arena.allocateFrom(ValueLayout.JAVA_BYTE, content);
            memory.scatter(host, new Runs().add(first, 0, content.length));

            assertEquals("done", peer(first, second));

            memory.gather(new Runs().add(second, 0, content.length), host);
            byte[] back = host.toArray(ValueLayout.JAVA_BYTE);
            for (int i = 0; i < content.length; i++) {
                int block = BLOCKS - 1 - i / BLOCK_BYTES;
                int from = block * BLOCK_BYTES + i % BLOCK_BYTES;
                assertEquals(content[from], back[i], "byte " + i);
            }
        }
        memory.free(both);
    }

    private static final long LONG_ENOUGH_SECONDS = 120;

    private String peer(MemorySegment first, MemorySegment second)
            throws IOException, InterruptedException {
        var hex = HexFormat.of();
        var command =
                List.of(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--enable-native-access=ALL-UNNAMED",
                        TestDriver.option(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        CudaPeer.class.getName(),
                        hex.formatHex(ExportedRegion.of(memory, first).encode()),
                        hex.formatHex(ExportedRegion.of(memory, second).encode()),
                        Integer.toString(BLOCK_BYTES));
        var process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertTrue(process.waitFor(LONG_ENOUGH_SECONDS, TimeUnit.SECONDS));
        assertEquals(0, process.exitValue(), output);
        return output.strip();
    }

    @Test
    void whatAProcessSendsIsReadBack() {
        var segment = memory.allocate(10_000, 64);
        var region = ExportedRegion.of(memory, segment.asSlice(256, 512));

        assertEquals(region, ExportedRegion.decode(region.encode()));
        assertEquals(256, region.offset());
        assertEquals(512, region.bytes());
    }

    @Test
    void rangesOutsideTheirAllocationAndOtherLengthsAreRefused() {
        var handle = IpcHandle.of(new byte[IpcHandle.BYTES]);
        var uuid = "0".repeat(32);
        for (long[] wrong :
                new long[][] {
                    {100, 0, 101},
                    {100, -1, 1},
                    {100, 99, 2},
                    {100, 0, 0},
                    {0, 0, 1},
                    {100, Long.MAX_VALUE, Long.MAX_VALUE}
                }) {
            var failure =
                    assertThrows(
                            TransferException.class,
                            () -> new ExportedRegion(uuid, handle, wrong[0], wrong[1], wrong[2]));
            assertEquals(ErrorCode.MALFORMED, failure.code());
        }
        assertThrows(TransferException.class, () -> ExportedRegion.decode(new byte[103]));
        assertThrows(TransferException.class, () -> IpcHandle.of(new byte[63]));
    }

    @Test
    void memoryOfAnotherDeviceIsRefusedWithoutAskingTheDriver() {
        var handle = IpcHandle.of(new byte[IpcHandle.BYTES]);
        var other = new ExportedRegion("f".repeat(32), handle, 100, 0, 100);
        try (var imports = new ImportedRegions(memory)) {
            var failure = assertThrows(TransferException.class, () -> imports.open(other));
            assertEquals(ErrorCode.PATH_UNAVAILABLE, failure.code());
            assertThrows(TransferException.class, () -> imports.close(other));
        }
    }

    @Test
    void virtualMemorySaysWhyItHasNoHandle() {
        try (var virtual = context.allocateVirtual(1 << 20)) {
            var segment = memory.adopt(virtual.address(), 1 << 20);
            var failure =
                    assertThrows(TransferException.class, () -> ExportedRegion.of(memory, segment));
            assertEquals(ErrorCode.PATH_UNAVAILABLE, failure.code());
            assertTrue(failure.getMessage().contains("expandable_segments"), failure::getMessage);
            memory.release(segment);
        }
    }
}
