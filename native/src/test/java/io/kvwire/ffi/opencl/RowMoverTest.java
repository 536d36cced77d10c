package io.kvwire.ffi.opencl;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;

/** The kernels on the first OpenCL device, against loops in Java and against the golden frames. */
@SuppressWarnings("ArrayRecordComponent") // they are never compared, only carried
class RowMoverTest {

    private static Context context;
    private static CommandQueue queue;
    private static RowMover mover;

    @BeforeAll
    static void needsADevice() {
        context = Context.of(Devices.any());
        queue = context.queue();
        mover = new RowMover(context, queue);
    }

    @AfterAll
    static void close() {
        if (context != null) {
            mover.close();
            queue.close();
            context.close();
        }
    }

    @Test
    void rowsAreFoundInCachesOfAnyShape() {
        for (int seed = 0; seed < 150; seed++) {
            var shape = Shape.random(new Random(seed));
            var what = "seed " + seed + ": " + shape;
            var cache = new byte[shape.cacheBytes()];
            new Random(seed).nextBytes(cache);
            var expected = shape.gathered(cache);

            var gathered = shape.gatherOnDevice(cache);
            assertArrayEquals(expected, gathered, () -> "gather, " + what);

            var dirty = new byte[cache.length];
            Arrays.fill(dirty, (byte) 0x5A);
            var wanted = dirty.clone();
            shape.scatter(expected, wanted);
            assertArrayEquals(
                    wanted, shape.scatterOnDevice(expected, dirty), () -> "scatter, " + what);
        }
    }

    @ParameterizedTest
    @EnumSource(names = {"BF16", "FP16", "FP32"})
    void goldenFramesAreMadeAndReadToTheBit(DType dtype) throws IOException {
        var golden = Golden.of(dtype);
        for (var order : KvOrder.values()) {
            for (var form : new KvForm[] {KvForm.SPLIT, KvForm.FUSED}) {
                for (int tokensPerBlock : new int[] {1, 3, 16}) {
                    var shape = golden.in(order, form, tokensPerBlock);
                    var cache = new byte[shape.cacheBytes()];
                    shape.scatter(golden.source(), cache);

                    var quantised = shape.quantiseOnDevice(cache);
                    assertArrayEquals(golden.codes(), quantised.codes(), () -> "codes " + shape);
                    assertArrayEquals(golden.scales(), quantised.scales(), () -> "scales " + shape);
                    assertArrayEquals(golden.rest(), quantised.rest(), () -> "auxiliary " + shape);

                    var decoded = shape.dequantiseOnDevice(quantised);
                    var wanted = new byte[cache.length];
                    shape.scatter(golden.decoded(), wanted);
                    assertArrayEquals(wanted, decoded, () -> "decoded " + shape);
                }
            }
        }
    }

    @Test
    void randomRowsGetTheCodesOfTheSpecification() {
        for (int seed = 0; seed < 60; seed++) {
            var random = new Random(seed);
            var shape = Shape.random(random);
            if (!shape.rows().isQuantisable()) {
                continue;
            }
            var what = "seed " + seed + ": " + shape;
            var cache = new byte[shape.cacheBytes()];
            Reference.fill(cache, shape.rows().cache().dtype(), random);
            var rows = shape.gathered(cache);

            var expected = Reference.quantised(rows, shape.rows());
            var quantised = shape.quantiseOnDevice(cache);
            assertArrayEquals(expected.scales(), quantised.scales(), () -> "scales, " + what);
            assertArrayEquals(expected.codes(), quantised.codes(), () -> "codes, " + what);
            assertArrayEquals(expected.rest(), quantised.rest(), () -> "auxiliary, " + what);

            var decoded = shape.dequantiseOnDevice(quantised);
            var wanted = new byte[cache.length];
            shape.scatter(Reference.dequantised(quantised, shape.rows()), wanted);
            assertArrayEquals(wanted, decoded, () -> "decoded, " + what);
        }
    }

    @Test
    void buffersThatAreTooSmallAreRefusedBeforeTheLaunch() {
        var shape = Shape.random(new Random(1));
        try (var cache = context.buffer(shape.cacheBytes());
                var small = context.buffer(1);
                var paged = mover.paged(shape.rows(), cache, cache, shape.table())) {
            var failure = assertThrows(TransferException.class, () -> mover.gather(paged, small));
            assertEquals(ErrorCode.OUT_OF_RANGE, failure.code());
            assertThrows(
                    TransferException.class,
                    () -> mover.paged(shape.rows(), small, small, shape.table()));
        }
    }

    @Test
    void sourceThatDoesNotCompileIsRefusedWithTheLog() {
        var failure =
                assertThrows(
                        TransferException.class,
                        () -> context.program("__kernel void f() { mistake; }", ""));
        assertTrue(failure.getMessage().contains("CL_BUILD_PROGRAM_FAILURE"), failure::getMessage);
        assertTrue(failure.getMessage().contains("mistake"), failure::getMessage);
    }

    @Test
    void commandsOutsideABufferAreRefusedByName() {
        try (var arena = Arena.ofConfined();
                var buffer = context.buffer(64)) {
            var host = arena.allocate(65);
            var failure = assertThrows(TransferException.class, () -> queue.write(host, buffer, 0));
            assertTrue(failure.getMessage().contains("CL_INVALID_VALUE"), failure::getMessage);
            assertThrows(
                    IllegalArgumentException.class,
                    () -> queue.read(buffer, 0, MemorySegment.ofArray(new byte[4])));
        }
    }

    @Test
    void eventsTellThatACommandIsDoneAndHowLongItTook() {
        try (var arena = Arena.ofConfined();
                var first = context.buffer(4096);
                var second = context.buffer(4096);
                var filled = queue.fill(first, (byte) 7);
                var copied = queue.copy(first, second, 4096, filled)) {
            copied.await();
            assertTrue(filled.isDone());
            assertTrue(copied.nanos() > 0, "nanoseconds of a copy");
            var host = arena.allocate(4096);
            try (var read = queue.read(second, 0, host)) {
                read.await();
            }
            assertEquals(7, host.get(ValueLayout.JAVA_BYTE, 4095));
        }
    }

    @Test
    void sharedMemoryIsSeenByBoth() {
        assumeTrue(context.device().sharesMemory(), "the device shares no memory with the host");
        var source = "__kernel void twice(__global int *x) { x[get_global_id(0)] *= 2; }";
        var memory = context.sharedMemory(256, 64);
        try (var program = context.program(source, "");
                var kernel = program.kernel("twice")) {
            memory.setAtIndex(ValueLayout.JAVA_INT, 63, 21);
            kernel.sharedArgument(0, memory);
            queue.launch(kernel, 1, 64).close();
            queue.finish();
            assertEquals(42, memory.getAtIndex(ValueLayout.JAVA_INT, 63));
        } finally {
            context.freeShared(memory);
        }
    }

    /** Codes, scales and the auxiliary section. */
    record Quantised(byte[] codes, byte[] scales, byte[] rest) {}

    /** Rows, and where the blocks of their cache are. */
    record Shape(KvRows rows, int[] table, int cacheBytes) {

        static Shape random(Random random) {
            var form = List.of(KvForm.values()).get(random.nextInt(3));
            int heads = form == KvForm.LATENT ? 1 : 1 + random.nextInt(5);
            var dtype = List.of(DType.values()).get(random.nextInt(DType.values().length));
            int dim = random.nextBoolean() ? 16 * (1 + random.nextInt(9)) : 1 + random.nextInt(150);
            var source = layout(random, form, heads, dim, dtype);
            var frameForm =
                    form == KvForm.LATENT
                            ? form
                            : random.nextBoolean() ? KvForm.SPLIT : KvForm.FUSED;
            var target = layout(random, frameForm, heads, dim, dtype);
            var tokens = new TokenRange(random.nextInt(40), 1 + random.nextInt(70));
            int firstHead = random.nextInt(heads);
            int some = 1 + random.nextInt(heads - firstHead);
            return of(source, new Slab(ID, target, 0, tokens, firstHead, some), random);
        }

        private static final Slab.Id ID = new Slab.Id(1, 1, 1, 0, 1);

        private static KvLayout layout(
                Random random, KvForm form, int heads, int dim, DType dtype) {
            return KvLayout.builder()
                    .layers(1)
                    .kvHeads(heads)
                    .headDim(dim)
                    .tokensPerBlock(1 + random.nextInt(20))
                    .dtype(dtype)
                    .order(random.nextBoolean() ? KvOrder.NHD : KvOrder.HND)
                    .form(form)
                    .build();
        }

        static Shape of(KvLayout cache, Slab slab, Random random) {
            int used = cache.blocksFor(slab.tokens().end());
            int blocks = used + random.nextInt(5);
            var free = new ArrayList<Integer>();
            for (int block = 0; block < blocks; block++) {
                free.add(random.nextInt(free.size() + 1), block);
            }
            var table = free.stream().limit(used).mapToInt(Integer::intValue).toArray();
            var placement = LayerPlacement.dense(cache, MemorySegment.NULL, blocks);
            int bytes = Math.toIntExact(cache.blockBytes() * blocks);
            return new Shape(new KvRows(slab, cache, placement), table, bytes);
        }

        byte[] gathered(byte[] cache) {
            int rowBytes = rows.rowBytes();
            var dense = new byte[rows.count() * rowBytes];
            int at = 0;
            for (var row : FrameOrder.of(rows.slab())) {
                System.arraycopy(cache, (int) FrameOrder.at(rows, table, row), dense, at, rowBytes);
                at += rowBytes;
            }
            assertEquals(dense.length, at);
            return dense;
        }

        void scatter(byte[] dense, byte[] cache) {
            int at = 0;
            for (var row : FrameOrder.of(rows.slab())) {
                System.arraycopy(
                        dense, at, cache, (int) FrameOrder.at(rows, table, row), rows.rowBytes());
                at += rows.rowBytes();
            }
        }

        byte[] gatherOnDevice(byte[] cacheBytes) {
            try (var cache = upload(cacheBytes);
                    var dense = context.buffer((long) rows.count() * rows.rowBytes());
                    var paged = mover.paged(rows, cache, cache, table);
                    var done = mover.gather(paged, dense)) {
                done.await();
                return download(dense);
            }
        }

        byte[] scatterOnDevice(byte[] denseBytes, byte[] cacheBytes) {
            try (var cache = upload(cacheBytes);
                    var dense = upload(denseBytes);
                    var paged = mover.paged(rows, cache, cache, table);
                    var done = mover.scatter(dense, paged)) {
                done.await();
                return download(cache);
            }
        }

        Quantised quantiseOnDevice(byte[] cacheBytes) {
            try (var cache = upload(cacheBytes);
                    var codes = context.buffer((long) rows.count() * rows.cache().headDim());
                    var scales = context.buffer(4L * rows.count());
                    var unscaled = context.buffer(4);
                    var paged = mover.paged(rows, cache, cache, table);
                    var done = mover.quantise(paged, new Int8Rows(codes, scales, unscaled))) {
                done.await();
                var scaleBytes = download(scales);
                var list = unscaled(scaleBytes);
                assertEquals(list.length, little(download(unscaled)).getInt());
                var rest = list.length == 0 ? new byte[0] : take(paged, list);
                return new Quantised(download(codes), scaleBytes, rest);
            }
        }

        private byte[] take(PagedRows paged, int... list) {
            int rest = Math.max(1, rows.rowBytes() - rows.cache().headDim());
            try (var numbers = upload(ints(list));
                    var auxiliary = context.buffer((long) rest * list.length);
                    var taken =
                            mover.takeUnscaled(
                                    paged, new UnscaledRows(list.length, numbers, auxiliary))) {
                taken.await();
                return download(auxiliary);
            }
        }

        byte[] dequantiseOnDevice(Quantised quantised) {
            try (var cache = upload(new byte[cacheBytes]);
                    var codes = upload(quantised.codes());
                    var scales = upload(quantised.scales());
                    var unscaled = context.buffer(4);
                    var paged = mover.paged(rows, cache, cache, table)) {
                var int8 = new Int8Rows(codes, scales, unscaled);
                mover.dequantise(int8, paged).close();
                var list = unscaled(quantised.scales());
                if (list.length > 0) {
                    try (var numbers = upload(ints(list));
                            var auxiliary = upload(quantised.rest())) {
                        var lost = new UnscaledRows(list.length, numbers, auxiliary);
                        mover.placeUnscaled(int8, lost, paged).close();
                        queue.finish();
                    }
                }
                queue.finish();
                return download(cache);
            }
        }

        private static int[] unscaled(byte[] scales) {
            var bits = little(scales).asIntBuffer();
            return IntStream.range(0, bits.limit()).filter(i -> bits.get(i) == 0).toArray();
        }

        @Override
        public String toString() {
            return rows.slab() + " in " + rows.cache().describe();
        }
    }

    /** The files of kv-codec, which belong to the specification of frames. */
    record Golden(Slab slab, byte[] source, byte[] frame, byte[] decoded) {

        static Golden of(DType dtype) throws IOException {
            var frame = file(dtype, "frame");
            var header = little(frame);
            var layout =
                    KvLayout.builder()
                            .layers(header.getInt(24) + 1)
                            .kvHeads(header.getShort(40) + header.getShort(42))
                            .headDim(header.getShort(44))
                            .tokensPerBlock(header.getInt(36))
                            .dtype(dtype)
                            .order((frame[17] & 15) == 0 ? KvOrder.NHD : KvOrder.HND)
                            .form(KvForm.of(frame[17] >> 4))
                            .build();
            var slab =
                    new Slab(
                            new Slab.Id(1, 1, 1, 0, 1),
                            layout,
                            header.getInt(24),
                            new TokenRange(header.getInt(28), header.getInt(32)),
                            header.getShort(40),
                            header.getShort(42));
            return new Golden(slab, file(dtype, "source"), frame, file(dtype, "decoded"));
        }

        Shape in(KvOrder order, KvForm form, int tokensPerBlock) {
            var layout = slab.layout();
            var cache =
                    KvLayout.builder()
                            .layers(1)
                            .kvHeads(layout.kvHeads())
                            .headDim(layout.headDim())
                            .tokensPerBlock(tokensPerBlock)
                            .dtype(layout.dtype())
                            .order(order)
                            .form(form)
                            .build();
            return Shape.of(cache, slab, new Random(tokensPerBlock));
        }

        byte[] codes() {
            return Arrays.copyOfRange(frame, 128, 128 + little(frame).getInt(100));
        }

        byte[] scales() {
            int start = up(128 + little(frame).getInt(100));
            return Arrays.copyOfRange(frame, start, start + little(frame).getInt(104));
        }

        byte[] rest() {
            int start = up(up(128 + little(frame).getInt(100)) + little(frame).getInt(104));
            return Arrays.copyOfRange(frame, start, start + little(frame).getInt(108));
        }

        private static int up(int offset) {
            return (offset + 63) / 64 * 64;
        }

        private static byte[] file(DType dtype, String kind) throws IOException {
            var name = dtype.name().toLowerCase(Locale.ROOT) + "." + kind;
            try (InputStream in =
                    RowMoverTest.class.getResourceAsStream(
                            "/io/kvwire/codec/golden/int8-v1-" + name)) {
                return in.readAllBytes();
            }
        }
    }

    private static Buffer upload(byte[] bytes) {
        var buffer = context.buffer(Math.max(1, bytes.length));
        if (bytes.length > 0) {
            try (var arena = Arena.ofConfined();
                    var done =
                            queue.write(
                                    arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes), buffer, 0)) {
                done.await();
            }
        }
        return buffer;
    }

    private static byte[] download(Buffer buffer) {
        try (var arena = Arena.ofConfined()) {
            var host = arena.allocate(buffer.bytes());
            try (var done = queue.read(buffer, 0, host)) {
                done.await();
            }
            return host.toArray(ValueLayout.JAVA_BYTE);
        }
    }

    private static byte[] ints(int... numbers) {
        var bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(numbers);
        return bytes.array();
    }

    private static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
