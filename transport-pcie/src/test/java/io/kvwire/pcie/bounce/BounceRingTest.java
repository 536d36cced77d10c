package io.kvwire.pcie.bounce;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.OpenClLibrary;
import io.kvwire.pcie.opencl.OpenClMemory;
import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.SingleRun;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/** Two contexts of OpenCL stand for the devices of two makers: neither sees the other's buffers. */
class BounceRingTest {
    private static final long BYTES = 3_000_001;

    private Context oneContext;
    private Context otherContext;
    private DeviceMemory one;
    private DeviceMemory other;

    @BeforeEach
    void open() {
        assumeTrue(OpenClLibrary.isPresent(), OpenClLibrary::reason);
        var devices = OpenClLibrary.devices();
        assumeTrue(!devices.isEmpty(), "no OpenCL device: install pocl-opencl-icd");
        oneContext = Context.of(devices.getFirst());
        otherContext = Context.of(devices.getLast());
        one = source(oneContext);
        other = new OpenClMemory("xpu:1", otherContext);
    }

    /** The device that copies start at. */
    DeviceMemory source(Context context) {
        return new OpenClMemory("xpu:0", context);
    }

    @AfterEach
    void close() {
        if (one != null) {
            one.close();
        }
        if (other != null) {
            other.close();
        }
        if (oneContext != null) {
            oneContext.close();
            otherContext.close();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {1_000, 4_096, 100_003, 1 << 20, 1 << 24})
    void everyByteArrivesWhateverTheChunk(long chunkBytes) {
        var from = one.allocate(BYTES, 64);
        var to = other.allocate(BYTES, 64);
        byte[] bytes = random(BYTES, chunkBytes);
        write(one, from, bytes);

        try (var ring = new BounceRing(one, other, chunkBytes)) {
            assertEquals(BYTES, ring.copy(SingleRun.of(from), SingleRun.of(to)));
        }

        assertArrayEquals(bytes, read(other, to));
    }

    @Test
    void blocksArriveInTheOrderOfTheTargetsLayout() {
        var builder = KvLayout.builder().layers(1).kvHeads(3).headDim(16).dtype(DType.BF16);
        var source = builder.tokensPerBlock(16).order(KvOrder.NHD).build();
        var target = builder.tokensPerBlock(64).order(KvOrder.HND).build();
        var plan = LayoutPlan.between(source, target);
        int tokens = 150;
        int[] sourceBlocks = {9, 0, 3, 7, 1, 8, 2, 6, 4, 5};
        int[] targetBlocks = {2, 0, 1};
        var from = one.allocate(10 * source.blockBytes(), 64);
        var to = other.allocate(3 * target.blockBytes(), 64);
        write(one, from, random(from.byteSize(), 1));
        var sourceRuns = new BlockRuns();
        var targetRuns = new BlockRuns();
        var sourceOrigin = BlockRuns.Origin.of(LayerPlacement.dense(source, from, 10), 10);
        var targetOrigin = BlockRuns.Origin.of(LayerPlacement.dense(target, to, 3), 3);
        sourceRuns.start(plan, source, sourceBlocks, sourceOrigin, new TokenRange(0, tokens));
        targetRuns.start(plan, target, targetBlocks, targetOrigin, new TokenRange(0, tokens));

        try (var ring = new BounceRing(one, other, 5_000)) {
            assertEquals(plan.tokenBytes() * tokens, ring.copy(sourceRuns, targetRuns));
        }

        sourceRuns.start(plan, source, sourceBlocks, sourceOrigin, new TokenRange(0, tokens));
        targetRuns.start(plan, target, targetBlocks, targetOrigin, new TokenRange(0, tokens));
        long bytes = plan.tokenBytes() * tokens;
        assertArrayEquals(gather(one, sourceRuns, bytes), gather(other, targetRuns, bytes));
    }

    /** Against the codec itself would need its module: one device's codes stand for the bound. */
    @ParameterizedTest
    @EnumSource(names = {"FP32", "FP16", "BF16"})
    void codesGoThroughTheRingWhereADeviceMakesThem(DType dtype) {
        var builder = KvLayout.builder().layers(1).kvHeads(3).headDim(16).dtype(dtype);
        var source = builder.tokensPerBlock(16).order(KvOrder.NHD).build();
        var target = builder.tokensPerBlock(64).order(KvOrder.HND).build();
        int tokens = 150;
        var from = one.allocate(10 * source.blockBytes(), 64);
        var there = other.allocate(3 * target.blockBytes(), 64);
        float[] values = values(tokens * 2 * 3 * 16);
        // A row that no scale fits keeps its bits.
        values[5 * 16 + 3] = Float.NaN;
        values[77 * 16] = Float.POSITIVE_INFINITY;
        var slab = slab(target, tokens);
        int[] sourceBlocks = {9, 0, 3, 7, 1, 8, 2, 6, 4, 5};
        int[] targetBlocks = {2, 0, 1};
        put(source, target, from, sourceBlocks, tokens, bytes(dtype, values));
        var fromRows =
                new PagedSlab(slab, source, LayerPlacement.dense(source, from, 10), sourceBlocks);
        var toRows =
                new PagedSlab(slab, target, LayerPlacement.dense(target, there, 3), targetBlocks);

        long bytes;
        try (var ring = new BounceRing(one, other, 4_000)) {
            bytes = ring.copyQuantised(fromRows, toRows);
        }

        byte[] arrived = get(target, there, targetBlocks, tokens);
        assertTrue(bytes < arrived.length * 3L / 4 || dtype != DType.FP32, bytes + " bytes");
        assertWithinTheBound(dtype, bytes(dtype, values), arrived);
    }

    private static Slab slab(KvLayout layout, int tokens) {
        return new Slab(new Slab.Id(1, 1, 0, 0, 1), layout, 0, new TokenRange(0, tokens), 0, 3);
    }

    private static float[] values(int count) {
        var random = new Random(7);
        var values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static byte[] bytes(DType dtype, float... values) {
        var bytes =
                ByteBuffer.allocate(values.length * dtype.bytes()).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            switch (dtype) {
                case FP32 -> bytes.putFloat(value);
                case FP16 -> bytes.putShort(Float.floatToFloat16(value));
                default -> bytes.putShort((short) (Float.floatToRawIntBits(value) >>> 16));
            }
        }
        return bytes.array();
    }

    private static float value(DType dtype, ByteBuffer bytes) {
        return switch (dtype) {
            case FP32 -> bytes.getFloat();
            case FP16 -> Float.float16ToFloat(bytes.getShort());
            default -> Float.intBitsToFloat(bytes.getShort() << 16);
        };
    }

    /** Half a code of the row's scale, and what the narrower type rounds. */
    private static void assertWithinTheBound(DType dtype, byte[] sent, byte[] arrived) {
        var before = ByteBuffer.wrap(sent).order(ByteOrder.LITTLE_ENDIAN);
        var after = ByteBuffer.wrap(arrived).order(ByteOrder.LITTLE_ENDIAN);
        float[] row = new float[16];
        while (before.hasRemaining()) {
            float largest = 0;
            for (int i = 0; i < 16; i++) {
                row[i] = value(dtype, before);
                largest = Math.max(largest, Math.abs(row[i]));
            }
            float bound = largest / 127 * 0.5f + largest / 256;
            for (int i = 0; i < 16; i++) {
                float now = value(dtype, after);
                boolean same = Float.compare(now, row[i]) == 0;
                assertTrue(same || Math.abs(now - row[i]) <= bound, row[i] + " became " + now);
                assertTrue(same || Float.isFinite(largest), "a row without a scale changed");
            }
        }
    }

    /** Puts values, in the target's order, into the source's blocks. */
    private void put(
            KvLayout source,
            KvLayout target,
            MemorySegment memory,
            int[] blocks,
            int tokens,
            byte... bytes) {
        var runs = new BlockRuns();
        var origin = BlockRuns.Origin.of(LayerPlacement.dense(source, memory, 10), 10);
        var plan = LayoutPlan.between(source, target);
        runs.start(plan, source, blocks, origin, new TokenRange(0, tokens));
        try (var arena = Arena.ofShared()) {
            one.scatter(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), runs);
        }
    }

    private byte[] get(KvLayout layout, MemorySegment memory, int[] blocks, int tokens) {
        var runs = new BlockRuns();
        var origin = BlockRuns.Origin.of(LayerPlacement.dense(layout, memory, 3), 3);
        var plan = LayoutPlan.between(layout, layout);
        runs.start(plan, layout, blocks, origin, new TokenRange(0, tokens));
        return gather(other, runs, plan.tokenBytes() * tokens);
    }

    @Test
    void runsOfUnequalLengthAreRefused() {
        var from = one.allocate(10_000, 64);
        var to = other.allocate(10_000, 64);
        try (var ring = new BounceRing(one, other, 1_000)) {
            var shorter = SingleRun.of(to.asSlice(0, 9_500));
            assertRefused(() -> ring.copy(SingleRun.of(from), shorter));
            var source = SingleRun.of(from.asSlice(0, 9_000));
            assertRefused(() -> ring.copy(source, SingleRun.of(to)));

            assertEquals(10_000, ring.copy(SingleRun.of(from), SingleRun.of(to)), "and it goes on");
        }
    }

    @Test
    void anErrorOfEitherDeviceEndsTheCopyAndLeavesTheRingUsable() {
        var from = one.allocate(50_000, 64);
        var to = other.allocate(50_000, 64);
        try (var ring = new BounceRing(one, other, 1_000)) {
            for (int round = 0; round < 3; round++) {
                assertRefused(() -> ring.copy(SingleRun.of(to), SingleRun.of(to)));
                assertRefused(() -> ring.copy(SingleRun.of(from), SingleRun.of(from)));
            }
            assertEquals(50_000, ring.copy(SingleRun.of(from), SingleRun.of(to)));
        }
    }

    private static void assertRefused(Runnable copy) {
        var refused = assertThrows(TransferException.class, copy::run);
        assertEquals(ErrorCode.OUT_OF_RANGE, refused.code());
    }

    private static byte[] random(long length, long seed) {
        byte[] bytes = new byte[(int) length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private static void write(DeviceMemory memory, MemorySegment segment, byte... bytes) {
        try (var arena = Arena.ofShared()) {
            memory.scatter(arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), SingleRun.of(segment));
        }
    }

    private static byte[] read(DeviceMemory memory, MemorySegment segment) {
        return gather(memory, SingleRun.of(segment), segment.byteSize());
    }

    private static byte[] gather(DeviceMemory memory, RunCursor runs, long bytes) {
        try (var arena = Arena.ofShared()) {
            var host = arena.allocate(bytes);
            memory.gather(runs, host);
            return host.toArray(ValueLayout.JAVA_BYTE);
        }
    }
}
