package io.kvwire.pcie;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.CodedForm;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.QuantisedRows;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/** What the memory of every device has to keep. */
public abstract class DeviceMemoryContract {
    private DeviceMemory memory;

    /** For the test of a device. */
    protected DeviceMemoryContract() {}

    /** {@return what {@link #openMemory} calls the device} */
    protected abstract String name();

    /** Opens the device, or skips the test. */
    protected abstract DeviceMemory openMemory();

    /** Closes what {@link #openMemory} opened beside the memory, which is closed by then. */
    protected abstract void closeDevice();

    @BeforeEach
    void open() {
        memory = openMemory();
    }

    @AfterEach
    void close() {
        if (memory != null) {
            memory.close();
        }
        closeDevice();
    }

    @Test
    void memoryIsFilledWithZeros() {
        var segment = memory.allocate(100_000, 64);

        assertArrayEquals(new byte[100_000], gathered(new Runs().add(segment, 0, 100_000)));
        assertFalse(memory.hostAccessible());
        assertEquals(name(), memory.device());
    }

    /** Odd lengths and offsets, runs over the longest of the kernel, and ones copied directly. */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 16, 100, 4096, 20_000, 70_000, 1_200_000})
    void runsOfAnyLengthComeBackAsTheyWent(int longest) {
        var random = new Random(longest);
        var segment = memory.allocate(24 << 20, 64);
        var other = memory.allocate(24 << 20, 64);
        var runs = new Runs();
        long at = 0;
        for (int i = 0; i < 200 && at + 2L * longest < segment.byteSize(); i++) {
            long length = 1L + random.nextInt(longest);
            at += random.nextInt(1 + longest / 4);
            runs.add(i % 7 == 6 ? other : segment, at, length);
            at += length;
        }
        byte[] written = new byte[(int) runs.bytes()];
        random.nextBytes(written);

        scatter(written, runs);

        assertArrayEquals(written, gathered(runs.again()));
    }

    @Test
    void moreRunsThanOneLaunchTakesKeepTheirOrder() {
        var segment = memory.allocate(16 << 20, 64);
        var runs = new Runs();
        for (int i = 0; i < 10_000; i++) {
            runs.add(segment, (9_999 - i) * 1_500L, 1_024);
        }
        byte[] written = new byte[(int) runs.bytes()];
        new Random(1).nextBytes(written);

        scatter(written, runs);

        assertArrayEquals(written, gathered(runs.again()));
    }

    @Test
    void bytesBesideTheRunsStayAsTheyWere() {
        var segment = memory.allocate(4096, 64);
        byte[] all = new byte[4096];
        new Random(2).nextBytes(all);
        scatter(all, new Runs().add(segment, 0, 4096));

        scatter(new byte[] {1, 2, 3}, new Runs().add(segment, 1001, 3));

        byte[] now = gathered(new Runs().add(segment, 0, 4096));
        all[1001] = 1;
        all[1002] = 2;
        all[1003] = 3;
        assertArrayEquals(all, now);
    }

    @Test
    void aSliceNamesAPartOfItsSegment() {
        var segment = memory.allocate(10_000, 64);
        scatter(new byte[] {7}, new Runs().add(segment.asSlice(5_000, 100), 50, 1));

        assertArrayEquals(new byte[] {7}, gathered(new Runs().add(segment, 5_050, 1)));
    }

    @Test
    void copiesOfSeveralThreadsDoNotMeet() {
        var segment = memory.allocate(8 << 20, 64);
        var threads = new ArrayList<CompletableFuture<Void>>();
        for (int t = 0; t < 4; t++) {
            int own = t;
            threads.add(
                    CompletableFuture.runAsync(() -> {
                        for (int round = 0; round < 20; round++) {
                            var runs = new Runs();
                            for (int i = 0; i < 100; i++) {
                                runs.add(segment, ((long) own << 21) + i * 20_000L, 10_000);
                            }
                            byte[] written = new byte[1_000_000];
                            new Random(own * 100L + round).nextBytes(written);
                            scatter(written, runs);
                            assertArrayEquals(written, gathered(runs.again()));
                        }
                    }));
        }
        threads.forEach(CompletableFuture::join);
    }

    @Test
    void whatLiesOutsideIsRefused() {
        var segment = memory.allocate(1000, 64);
        refused(new Runs().add(segment, 990, 11));
        refused(new Runs().add(segment, -1, 2));
        refused(new Runs().add(MemorySegment.ofAddress(4096), 0, 1));

        memory.free(segment);
        refused(new Runs().add(segment, 0, 1));
        assertThrows(TransferException.class, () -> memory.free(segment));
    }

    @Test
    void moreThanTheDeviceHasIsRefused() {
        var refused = assertThrows(TransferException.class, () -> memory.allocate(1L << 60, 64));

        assertEquals(ErrorCode.RESOURCE_EXHAUSTED, refused.code());
    }

    @Test
    void aSlabForWhoseCodesThereIsNoRoomLeavesThoseOfSmallerOnesGood() {
        var coding = memory.quantisedRows();
        assumeTrue(coding.isPresent(), "this device makes no codes");
        var rows = coding.orElseThrow();
        int blocks = 3;
        var small = layout(2, 64);
        var layer = memory.allocate(blocks * small.blockBytes(), 4096);
        byte[] values = new byte[(int) layer.byteSize()];
        for (int i = 1; i < values.length; i += 2) {
            // BF16 from 1/2 to 2, of either sign.
            values[i] = (byte) (i % 6 == 1 ? 0xBF : 0x3F);
            values[i - 1] = (byte) i;
        }
        scatter(values, new Runs().add(layer, 0, values.length));
        var placement = LayerPlacement.dense(small, layer, blocks);
        int[] table = {2, 0, 1};
        var few = new PagedSlab(slab(small, 5), small, placement, table);
        byte[] codes = codes(rows, few);
        // Of 4 TiB, which is refused before anything looks at the blocks.
        var huge = layout(1 << 10, 1 << 10);
        var most = new PagedSlab(slab(huge, 1 << 21), huge, placement, table);

        var refused = assertThrows(TransferException.class, () -> codes(rows, most));

        assertEquals(ErrorCode.RESOURCE_EXHAUSTED, refused.code());
        assertArrayEquals(codes, codes(rows, few));
        var all = new PagedSlab(slab(small, blocks * 16), small, placement, table);
        assertArrayEquals(codes(rows, all), codes(rows, all));
    }

    private static KvLayout layout(int heads, int dim) {
        return KvLayout.builder()
                .layers(1)
                .kvHeads(heads)
                .headDim(dim)
                .tokensPerBlock(16)
                .dtype(DType.BF16)
                .build();
    }

    private static Slab slab(KvLayout layout, int tokens) {
        var id = new Slab.Id(1, 1, 1, 0, 1);
        return new Slab(id, layout, 0, new TokenRange(0, tokens), 0, layout.heads());
    }

    private static byte[] codes(QuantisedRows rows, PagedSlab slab) {
        long most = Math.min(CodedForm.of(slab.slab()).mostBytes(), 1 << 20);
        try (var arena = Arena.ofShared()) {
            var host = arena.allocate(most, 64);
            long bytes = rows.quantise(slab, host);
            return host.asSlice(0, bytes).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** Expects that runs are refused as outside. */
    protected final void refused(Runs runs) {
        var refused = assertThrows(TransferException.class, () -> gathered(runs));
        assertEquals(ErrorCode.OUT_OF_RANGE, refused.code());
    }

    /** Brings bytes to runs of the memory. */
    protected final void scatter(byte[] bytes, Runs runs) {
        try (var arena = Arena.ofShared()) {
            memory.scatter(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), runs);
        }
    }

    /** {@return the bytes of runs of the memory} */
    protected final byte[] gathered(Runs runs) {
        try (var arena = Arena.ofShared()) {
            var host = arena.allocate(runs.bytes());
            memory.gather(runs, host);
            return host.toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
