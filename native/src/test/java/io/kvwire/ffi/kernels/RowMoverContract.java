package io.kvwire.ffi.kernels;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.Slab;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;

/** What the kernels do on every device, against loops in Java and against the golden frames. */
@SuppressWarnings("ArrayRecordComponent") // they are never compared, only carried
public abstract class RowMoverContract {
    /** For the test of a device. */
    protected RowMoverContract() {}

    /** The rows of a cache with this content, gathered on the device. */
    protected abstract byte[] gather(Shape shape, byte[] cache);

    /** The cache after rows were scattered into it on the device. */
    protected abstract byte[] scatter(Shape shape, byte[] dense, byte[] cache);

    /** Codes and scales of the rows of a cache, made on the device. */
    protected abstract Quantised quantise(Shape shape, byte[] cache);

    /** A cache of zeros after the rows were put into it on the device. */
    protected abstract byte[] dequantise(Shape shape, Quantised quantised);

    @Test
    void rowsAreFoundInCachesOfAnyShape() {
        for (int seed = 0; seed < 150; seed++) {
            var shape = Shape.random(new Random(seed));
            var what = "seed " + seed + ": " + shape;
            var cache = new byte[shape.cacheBytes()];
            new Random(seed).nextBytes(cache);
            var expected = shape.gathered(cache);

            var gathered = gather(shape, cache);
            assertArrayEquals(expected, gathered, () -> "gather, " + what);

            var dirty = new byte[cache.length];
            Arrays.fill(dirty, (byte) 0x5A);
            var wanted = dirty.clone();
            shape.scatter(expected, wanted);
            assertArrayEquals(wanted, scatter(shape, expected, dirty), () -> "scatter, " + what);
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

                    var quantised = quantise(shape, cache);
                    assertArrayEquals(golden.codes(), quantised.codes(), () -> "codes " + shape);
                    assertArrayEquals(golden.scales(), quantised.scales(), () -> "scales " + shape);
                    assertArrayEquals(golden.rest(), quantised.rest(), () -> "auxiliary " + shape);

                    var decoded = dequantise(shape, quantised);
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
            var quantised = quantise(shape, cache);
            assertArrayEquals(expected.scales(), quantised.scales(), () -> "scales, " + what);
            assertArrayEquals(expected.codes(), quantised.codes(), () -> "codes, " + what);
            assertArrayEquals(expected.rest(), quantised.rest(), () -> "auxiliary, " + what);

            var decoded = dequantise(shape, quantised);
            var wanted = new byte[cache.length];
            shape.scatter(Reference.dequantised(quantised, shape.rows()), wanted);
            assertArrayEquals(wanted, decoded, () -> "decoded, " + what);
        }
    }

    /** Codes, scales and the auxiliary section. */
    public record Quantised(byte[] codes, byte[] scales, byte[] rest) {}

    /** Rows, and where the blocks of their cache are. */
    public record Shape(KvRows rows, int[] table, int cacheBytes) {

        public static Shape random(Random random) {
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
                    RowMoverContract.class.getResourceAsStream(
                            "/io/kvwire/codec/golden/int8-v1-" + name)) {
                return in.readAllBytes();
            }
        }
    }

    /** Numbers of the rows without a scale. */
    protected static int[] unscaled(byte[] scales) {
        var bits = little(scales).asIntBuffer();
        return IntStream.range(0, bits.limit()).filter(i -> bits.get(i) == 0).toArray();
    }

    /** Numbers as a device reads them. */
    protected static byte[] ints(int... numbers) {
        var bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(numbers);
        return bytes.array();
    }

    protected static ByteBuffer little(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
