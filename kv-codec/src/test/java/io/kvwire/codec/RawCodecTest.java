package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;

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
import io.kvwire.transport.spi.KvCodecProvider;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.stream.IntStream;

class RawCodecTest {
    private static final int PAYLOAD = 144;
    private static final byte CANARY = 0x5A;

    private final RawCodec codec = new RawCodec(GoldenFrame.MODEL);

    @Test
    void theCodecIsFoundByItsName() {
        var provider = KvCodecProvider.named("raw").orElseThrow();

        assertEquals("raw", provider.create(KvModel.UNKNOWN).name());
        assertEquals(
                1,
                KvCodecProvider.discovered().stream()
                        .filter(found -> found.name().equals("raw"))
                        .count());
        assertTrue(KvCodecProvider.named("no such codec").isEmpty());
    }

    @Test
    void aCacheIsEncodedIntoTheGoldenFrame() {
        var source =
                KvLayout.builder()
                        .layers(40)
                        .kvHeads(12)
                        .headDim(3)
                        .tokensPerBlock(16)
                        .dtype(DType.FP16)
                        .build();
        try (var arena = Arena.ofConfined()) {
            var cache = arena.allocate(source.blockBytes());
            GoldenFrame.visit(source, 1, (at, element) -> GoldenFrame.write(cache, at, element));
            var frame = arena.allocate(codec.maxFrameBytes(GoldenFrame.SLAB));

            long bytes = codec.encode(GoldenFrame.SLAB, runs(source, source, cache, 1), frame);

            assertEquals(FrameHeader.BYTES + PAYLOAD, bytes);
            assertArrayEquals(GoldenFrame.bytes(), bytes(frame));
        }
    }

    @Test
    void theGoldenFrameIsDecodedIntoACache() {
        var layout = GoldenFrame.LAYOUT;
        try (var arena = Arena.ofConfined()) {
            var cache = arena.allocate(3 * layout.blockBytes()).fill(CANARY);
            var expected = arena.allocate(cache.byteSize()).fill(CANARY);
            GoldenFrame.visit(layout, 3, (at, element) -> GoldenFrame.write(expected, at, element));

            codec.decode(
                    MemorySegment.ofArray(GoldenFrame.bytes()),
                    GoldenFrame.SLAB,
                    runs(
                            KvLayout.builder()
                                    .layers(40)
                                    .kvHeads(12)
                                    .headDim(3)
                                    .dtype(DType.FP16)
                                    .build(),
                            layout,
                            cache,
                            3));

            assertArrayEquals(bytes(expected), bytes(cache));
        }
    }

    /** Two heads of a scattered cache of bytes, table (4, 1, 3), in a frame of an unknown model. */
    @Test
    void anOlderGoldenFrameIsWrittenAndReadAlike() throws IOException {
        var layout =
                KvLayout.builder()
                        .layers(3)
                        .kvHeads(4)
                        .headDim(6)
                        .tokensPerBlock(9)
                        .dtype(DType.BF16)
                        .order(KvOrder.HND)
                        .form(KvForm.FUSED)
                        .build();
        var tokens = new TokenRange(5, 20);
        var slab = new Slab(new Slab.Id(0x1111, 0x2222, 0, 0, 1), layout, 2, tokens, 1, 2);
        var source = new byte[(int) layout.blockBytes() * 6];
        for (int i = 0; i < source.length; i++) {
            source[i] = (byte) (i * 31 + 7);
        }
        var target = new byte[source.length];
        byte[] golden;
        try (var in = RawCodecTest.class.getResourceAsStream("golden/raw-v1.bin")) {
            golden = in.readAllBytes();
        }
        var unnamed = new RawCodec(KvModel.UNKNOWN);
        var frame = new byte[golden.length];

        unnamed.encode(slab, scattered(layout, source, tokens), MemorySegment.ofArray(frame));
        unnamed.decode(MemorySegment.ofArray(golden), slab, scattered(layout, target, tokens));

        assertArrayEquals(golden, frame);
        var expected = new byte[source.length];
        var moved = scattered(layout, source, tokens);
        while (moved.next()) {
            int at = (int) moved.offset();
            System.arraycopy(source, at, expected, at, (int) moved.length());
        }
        assertArrayEquals(expected, target);
    }

    private static BlockRuns scattered(KvLayout layout, byte[] cache, TokenRange tokens) {
        var placement = LayerPlacement.dense(layout, MemorySegment.ofArray(cache), 6);
        var runs = new BlockRuns();
        runs.start(
                new LayoutPlan(layout, layout, 1, 2),
                layout,
                new int[] {4, 1, 3},
                BlockRuns.Origin.of(placement, 6),
                tokens);
        return runs;
    }

    @Test
    void everySingleFlippedBitIsRefusedAndNothingIsWritten() {
        var frame = GoldenFrame.bytes();
        for (int bit = 0; bit < frame.length * 8; bit++) {
            frame[bit / 8] ^= (byte) (1 << bit % 8);
            assertRefused(frame, "bit " + bit);
            frame[bit / 8] ^= (byte) (1 << bit % 8);
        }
    }

    @Test
    void everyTruncationAndEveryTrailingByteIsRefused() {
        var frame = GoldenFrame.bytes();
        for (int length = 0; length < frame.length; length++) {
            assertRefused(Arrays.copyOf(frame, length), "length " + length);
        }
        assertRefused(Arrays.copyOf(frame, frame.length + 1), "one byte more");
    }

    @Test
    void refusalsAllocateNoMoreThanTheirMessage() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        var frame = GoldenFrame.bytes();
        var target = Runs.whole(new byte[PAYLOAD]);
        for (int bit = 0; bit < FrameHeader.BYTES * 8; bit++) {
            frame[bit / 8] ^= (byte) (1 << bit % 8);
            var segment = MemorySegment.ofArray(frame);

            long before = threads.getCurrentThreadAllocatedBytes();
            assertThrows(
                    TransferException.class,
                    () -> codec.decode(segment, GoldenFrame.SLAB, target.again()));
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;

            assertTrue(allocated < 64 << 10, "bit " + bit + " allocated " + allocated + " bytes");
            frame[bit / 8] ^= (byte) (1 << bit % 8);
        }
    }

    private void assertRefused(byte[] frame, String what) {
        var target = new byte[PAYLOAD];
        Arrays.fill(target, CANARY);
        var refusal =
                assertThrows(
                        TransferException.class,
                        () ->
                                codec.decode(
                                        MemorySegment.ofArray(frame),
                                        GoldenFrame.SLAB,
                                        Runs.whole(target)),
                        what);
        assertTrue(
                refusal.code() == ErrorCode.MALFORMED
                        || refusal.code() == ErrorCode.CORRUPT
                        || refusal.code() == ErrorCode.VERSION_MISMATCH,
                what + ": " + refusal.code());
        for (byte b : target) {
            assertEquals(CANARY, b, what);
        }
    }

    @Test
    void aFrameOfAnythingElseThanExpectedIsRefusedByName() {
        var id = GoldenFrame.SLAB.id();
        var layout = GoldenFrame.LAYOUT;
        var tokens = GoldenFrame.SLAB.tokens();
        long transfer = id.transferId();
        long request = id.requestId();
        int generation = id.generation();

        unexpected("transfer", slab(new Slab.Id(9, request, generation, 2, 9)));
        unexpected("request", slab(new Slab.Id(transfer, 9, generation, 2, 9)));
        unexpected("chunk", slab(new Slab.Id(transfer, request, generation, 3, 9)));
        unexpected("chunks", slab(new Slab.Id(transfer, request, generation, 2, 8)));
        unexpected("layer", new Slab(id, layout, 36, tokens, 7, 2));
        unexpected("first token", new Slab(id, layout, 37, new TokenRange(4, 6), 7, 2));
        unexpected("tokens", new Slab(id, layout, 37, new TokenRange(5, 5), 7, 2));
        unexpected("first head", new Slab(id, layout, 37, tokens, 6, 2));
        unexpected("heads", new Slab(id, layout, 37, tokens, 7, 1));
        var other = KvLayout.builder().layers(40).kvHeads(12).tokensPerBlock(4);
        unexpected("source dtype", slab(other.dtype(DType.BF16).headDim(3).build()));
        unexpected("order", slab(other.dtype(DType.FP16).build()));
        unexpected("form", slab(other.order(layout.order()).build()));
        unexpected("key dim", slab(other.form(layout.form()).headDim(4).build()));
        unexpected("tokens per block", slab(other.headDim(3).tokensPerBlock(8).build()));

        var otherModel = new RawCodec(new KvModel(1, GoldenFrame.MODEL.fingerprintLow(), true));
        assertTrue(refusal(otherModel, GoldenFrame.SLAB).getMessage().contains("model"));
        var plainKeys =
                new RawCodec(
                        new KvModel(
                                GoldenFrame.MODEL.fingerprintHigh(),
                                GoldenFrame.MODEL.fingerprintLow(),
                                false));
        assertTrue(refusal(plainKeys, GoldenFrame.SLAB).getMessage().contains("flags"));
    }

    @Test
    void aFrameForBlocksThatHaveMovedOnIsStale() {
        var id = GoldenFrame.SLAB.id();
        var refusal =
                refusal(
                        codec,
                        slab(
                                new Slab.Id(
                                        id.transferId(),
                                        id.requestId(),
                                        id.generation() + 1,
                                        2,
                                        9)));

        assertEquals(ErrorCode.STALE, refusal.code());
    }

    private void unexpected(String field, Slab slab) {
        var refusal = refusal(codec, slab);
        assertEquals(ErrorCode.MALFORMED, refusal.code());
        assertTrue(
                refusal.getMessage().startsWith("KV frame: " + field + " is "),
                refusal.getMessage());
    }

    private static TransferException refusal(RawCodec codec, Slab slab) {
        var target = new byte[1024];
        var refusal =
                assertThrows(
                        TransferException.class,
                        () ->
                                codec.decode(
                                        MemorySegment.ofArray(GoldenFrame.bytes()),
                                        slab,
                                        Runs.whole(target)));
        assertArrayEquals(new byte[1024], target);
        return refusal;
    }

    private static Slab slab(Slab.Id id) {
        return new Slab(id, GoldenFrame.LAYOUT, 37, GoldenFrame.SLAB.tokens(), 7, 2);
    }

    private static Slab slab(KvLayout layout) {
        return new Slab(GoldenFrame.SLAB.id(), layout, 37, GoldenFrame.SLAB.tokens(), 7, 2);
    }

    @Test
    void runsThatAreNotAsLongAsTheSlabAreTheCallersMistake() {
        var frame = MemorySegment.ofArray(new byte[1024]);
        for (int length : new int[] {PAYLOAD - 1, PAYLOAD + 1}) {
            assertOutOfRange(
                    () -> codec.encode(GoldenFrame.SLAB, Runs.whole(new byte[length]), frame));
            assertOutOfRange(() ->
                    codec.decode(
                            MemorySegment.ofArray(GoldenFrame.bytes()),
                            GoldenFrame.SLAB,
                            Runs.whole(new byte[length])));
        }
    }

    @Test
    void aFrameWithTooLittleRoomIsRefusedBeforeItIsTouched() {
        var frame = new byte[FrameHeader.BYTES + PAYLOAD - 1];

        assertOutOfRange(() ->
                codec.encode(
                        GoldenFrame.SLAB,
                        Runs.whole(GoldenFrame.payload()),
                        MemorySegment.ofArray(frame)));

        assertArrayEquals(new byte[frame.length], frame);
    }

    @Test
    void encodingWritesNothingBehindTheFrame() {
        var frame = new byte[FrameHeader.BYTES + PAYLOAD + 100];
        Arrays.fill(frame, CANARY);

        codec.encode(
                GoldenFrame.SLAB, Runs.whole(GoldenFrame.payload()), MemorySegment.ofArray(frame));

        var expected = Arrays.copyOf(GoldenFrame.bytes(), frame.length);
        Arrays.fill(expected, FrameHeader.BYTES + PAYLOAD, frame.length, CANARY);
        assertArrayEquals(expected, frame);
    }

    @Test
    void encodingAndDecodingAllocateNothing() {
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        var source = new Runs(MemorySegment.ofArray(GoldenFrame.payload()), 0, 44, 44, 100);
        var target = new Runs(MemorySegment.ofArray(new byte[PAYLOAD]), 0, 100, 100, 44);
        try (var arena = Arena.ofConfined()) {
            var frame = arena.allocate(FrameHeader.BYTES + PAYLOAD);
            for (int i = 0; i < 20; i++) {
                codec.encode(GoldenFrame.SLAB, source.again(), frame);
                codec.decode(frame, GoldenFrame.SLAB, target.again());
            }

            long before = threads.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 1000; i++) {
                codec.encode(GoldenFrame.SLAB, source.again(), frame);
                codec.decode(frame, GoldenFrame.SLAB, target.again());
            }
            long allocated = threads.getCurrentThreadAllocatedBytes() - before;

            assertTrue(allocated < 4096, "1000 round trips allocated " + allocated + " bytes");
        }
    }

    private static void assertOutOfRange(Runnable action) {
        var refusal = assertThrows(TransferException.class, action::run);
        assertEquals(ErrorCode.OUT_OF_RANGE, refusal.code());
    }

    /** The slab's runs in one side's dense cache, in the order of the golden layout. */
    private static RunCursor runs(KvLayout source, KvLayout side, MemorySegment cache, int blocks) {
        var whole = LayoutPlan.between(source, GoldenFrame.LAYOUT);
        var plan = new LayoutPlan(whole.source(), whole.target(), 7, 2);
        var runs = new BlockRuns();
        runs.start(
                plan,
                side,
                IntStream.range(0, blocks).toArray(),
                BlockRuns.Origin.of(LayerPlacement.dense(side, cache, blocks), blocks),
                GoldenFrame.SLAB.tokens());
        return runs;
    }

    private static byte[] bytes(MemorySegment segment) {
        return segment.toArray(ValueLayout.JAVA_BYTE);
    }
}
