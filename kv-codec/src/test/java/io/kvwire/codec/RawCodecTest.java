package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;

class RawCodecTest {
    private static final int BLOCKS = 6;
    private static final int[] TABLE = {4, 1, 3};
    private static final TokenRange TOKENS = new TokenRange(5, 20);

    private static final KvLayout LAYOUT =
            KvLayout.builder()
                    .layers(3)
                    .kvHeads(4)
                    .headDim(6)
                    .tokensPerBlock(9)
                    .dtype(DType.BF16)
                    .order(KvOrder.HND)
                    .form(KvForm.FUSED)
                    .build();

    private static final LayoutPlan PLAN = new LayoutPlan(LAYOUT, LAYOUT, 1, 2);
    private static final Slab SLAB =
            new Slab(0x1111, 0x2222, LAYOUT, 2, TOKENS.first(), TOKENS.count(), 1, 2);

    private final RawCodec codec = new RawCodec();
    private final Arena arena = Arena.ofAuto();

    private MemorySegment layer(int seed) {
        var memory = arena.allocate(LAYOUT.blockBytes() * BLOCKS, 8);
        for (long i = 0; i < memory.byteSize(); i++) {
            memory.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 31 + seed));
        }
        return memory;
    }

    private static BlockRuns runs(MemorySegment memory) {
        var runs = new BlockRuns();
        var placement = LayerPlacement.dense(LAYOUT, memory, BLOCKS);
        runs.start(PLAN, LAYOUT, TABLE, BlockRuns.Origin.of(placement, BLOCKS), TOKENS);
        return runs;
    }

    private MemorySegment frame() {
        var frame = arena.allocate(codec.maxFrameBytes(SLAB), 64);
        assertEquals(frame.byteSize(), codec.encode(SLAB, runs(layer(7)), frame));
        return frame;
    }

    @Test
    void scatteredBlocksSurviveTheTripAndNothingElseIsTouched() {
        var source = layer(7);
        var target = layer(200);
        codec.decode(frame(), SLAB, runs(target));
        var expected = layer(200);
        var from = runs(source);
        while (from.next()) {
            MemorySegment.copy(source, from.offset(), expected, from.offset(), from.length());
        }
        assertEquals(-1, expected.mismatch(target));
    }

    @Test
    void everyFieldSurvivesTheTrip() {
        var written = new FrameHeader();
        written.describe(SLAB);
        written.generation = 0x31323334;
        written.chunk = 6;
        written.chunks = 9;
        written.flags &= ~FrameHeader.FLAG_LAST;
        written.modelHigh = 0x4142434445464748L;
        written.modelLow = 0x5152535455565758L;
        written.wireCrc = 0x61626364;
        var read = new FrameHeader();
        read.decode(written.encode(), FrameHeader.BYTES + SLAB.rawBytes());
        read.requireSame(SLAB);
        assertEquals(written.generation, read.generation);
        assertEquals(6, read.chunk);
        assertEquals(9, read.chunks);
        assertEquals(written.flags, read.flags);
        assertEquals(written.modelHigh, read.modelHigh);
        assertEquals(written.modelLow, read.modelLow);
        assertEquals(written.wireCrc, read.wireCrc);
        assertEquals(SLAB.rawBytes(), read.rawBytes);
    }

    @Test
    void aFlipOfAnySingleBitIsRefusedAndTheTargetKept() {
        var good = frame();
        var target = layer(200);
        for (long bit = 0; bit < good.byteSize() * 8; bit++) {
            byte before = good.get(ValueLayout.JAVA_BYTE, bit / 8);
            good.set(ValueLayout.JAVA_BYTE, bit / 8, (byte) (before ^ 1 << bit % 8));
            assertThrows(TransferException.class, () -> codec.decode(good, SLAB, runs(target)));
            good.set(ValueLayout.JAVA_BYTE, bit / 8, before);
        }
        assertEquals(-1, layer(200).mismatch(target), "nothing was written");
    }

    @Test
    void everyTruncationAndExtensionIsRefused() {
        var good = frame();
        var longer = arena.allocate(good.byteSize() + 1, 64).copyFrom(good);
        assertRefused(ErrorCode.MALFORMED, longer);
        for (long length = 0; length < good.byteSize(); length++) {
            assertRefused(ErrorCode.MALFORMED, good.asSlice(0, length));
        }
    }

    @Test
    void aFrameOfSomethingElseIsRefused() {
        var other = new Slab(0x1111, 0x2222, LAYOUT, 1, 5, 20, 1, 2);
        var refusal =
                assertThrows(
                        TransferException.class,
                        () -> codec.decode(frame(), other, runs(layer(1))));
        assertEquals(ErrorCode.MALFORMED, refusal.code());
    }

    @Test
    void runsThatAreNotAsLongAsTheSlabAreRefused() {
        var wide = new Slab(1, 2, LAYOUT, 0, 5, 19, 1, 2);
        var frame = arena.allocate(codec.maxFrameBytes(SLAB), 64);
        var refusal =
                assertThrows(
                        TransferException.class, () -> codec.encode(wide, runs(layer(1)), frame));
        assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code());
    }

    /**
     * The file is part of the specification: written from it, not by this codec; read forever and
     * never made anew.
     */
    @Test
    void goldenFramesOfVersionOneAreWrittenAndReadAlike() throws IOException {
        byte[] golden;
        try (var in = RawCodecTest.class.getResourceAsStream("golden/raw-v1.bin")) {
            golden = in.readAllBytes();
        }
        assertArrayEquals(golden, frame().toArray(ValueLayout.JAVA_BYTE));
        codec.decode(MemorySegment.ofBuffer(direct(golden)), SLAB, runs(layer(200)));
    }

    private static ByteBuffer direct(byte[] bytes) {
        return ByteBuffer.allocateDirect(bytes.length).put(bytes).flip();
    }

    private void assertRefused(ErrorCode code, MemorySegment frame) {
        var refusal =
                assertThrows(
                        TransferException.class, () -> codec.decode(frame, SLAB, runs(layer(1))));
        assertEquals(code, refusal.code());
    }
}
