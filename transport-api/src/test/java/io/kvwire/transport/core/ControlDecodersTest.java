package io.kvwire.transport.core;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvwire.transport.Access;
import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.KvScales;
import io.kvwire.transport.Limits;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.RemoteRegion;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.KvModel;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

import org.junit.jupiter.api.Test;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;

class ControlDecodersTest {
    private static final KvLayout LAYOUT =
            KvLayout.builder()
                    .layers(3)
                    .kvHeads(8)
                    .headDim(64)
                    .tokensPerBlock(32)
                    .dtype(DType.FP16)
                    .order(KvOrder.HND)
                    .form(KvForm.FUSED)
                    .tensorParallel(1, 4)
                    .build();

    /** From the end of a cache without its scales to its element type. */
    private static final int DTYPE_FROM_END = 3 + 2 * 4 + 4 + 1;

    private static final KvScales PER_HEAD =
            KvScales.perHead(
                    new float[][] {{1, 2, 3, 4}, {5, 6, 7, 8}},
                    new float[][] {{.1f, .2f, .3f, .4f}, {.5f, .6f, .7f, .8f}});

    private static final KvLayout SCALED =
            KvLayout.builder()
                    .layers(2)
                    .kvHeads(8)
                    .dtype(DType.FP8_E4M3)
                    .tensorParallel(1, 2)
                    .scales(
                            KvScales.perLayer(
                                    new float[] {Float.MIN_VALUE, 0.5f},
                                    new float[] {Float.MAX_VALUE, 0.25f}))
                    .build();

    private static final KvLayout LATENT =
            KvLayout.builder()
                    .layers(2)
                    .dtype(DType.INT8)
                    .form(KvForm.LATENT)
                    .scales(KvScales.perLayer(new float[] {3, 4}, new float[0]))
                    .build();

    private static final Hello HELLO =
            new Hello(
                    "prefill-0",
                    11,
                    new Hello.Bounds(12, 13, 14, 15, 16),
                    17,
                    "tcp",
                    List.of(new Hello.Offer("tcp", new byte[] {1, 2, 3})),
                    List.of(new Hello.Refusal("rdma", "no device")),
                    "first",
                    new byte[16],
                    new Hello.Codecs(List.of("int8", "raw"), true, new KvModel(1, 2, false)),
                    List.of(
                            new RemoteCache(1, "kv", LAYOUT, 99, Access.REMOTE_READ, 11),
                            scaled(3, SCALED),
                            scaled(4, SCALED.withScales(PER_HEAD)),
                            scaled(5, LATENT)),
                    List.of(new RemoteRegion(2, 21, 22, Access.REMOTE_WRITE)));

    private static RemoteCache scaled(int id, KvLayout layout) {
        return new RemoteCache(id, "kv " + id, layout, 9, Access.REMOTE_WRITE, 11);
    }

    private static MessageReader body(ByteBuffer message) {
        var in = new MessageReader(message);
        in.u8();
        return in;
    }

    private static Hello readHello(ByteBuffer message) {
        var in = body(message);
        assertEquals(Hello.MAGIC, in.u32());
        assertEquals(Hello.VERSION, in.u32());
        return Hello.decode(in, Limits.DEFAULT);
    }

    @Test
    void aHelloSurvivesTheTrip() {
        var read = readHello(HELLO.encode(ControlMessages.HELLO));
        assertEquals("prefill-0", read.name());
        assertEquals(11, read.incarnation());
        assertEquals(HELLO.bounds(), read.bounds());
        assertEquals(17, read.lanes());
        assertEquals("tcp", read.requiredPath());
        assertArrayEquals(new byte[] {1, 2, 3}, read.paths().getFirst().endpoint());
        assertEquals("no device", read.rejected().getFirst().reason());
        assertEquals(HELLO.codecs(), read.codecs());
        assertEquals(HELLO.caches(), read.caches());
        assertEquals(HELLO.regions(), read.regions());
    }

    @Test
    void everyTruncationOfAHelloIsRefused() {
        var whole = HELLO.encode(ControlMessages.HELLO);
        for (int length = 9; length < whole.remaining(); length++) {
            var part = whole.duplicate().limit(length);
            assertMalformed(() -> readHello(part));
        }
    }

    @Test
    void scalesThatAreNotThoseOfTheCacheAreRefused() {
        int one = Float.floatToRawIntBits(1);
        for (var wrong :
                List.<UnaryOperator<MessageWriter>>of(
                        out -> out.u8(3).u32(4).u32(one).u32(one).u32(one).u32(one),
                        out -> out.u8(1).u32(3).u32(one).u32(one).u32(one),
                        out -> out.u8(2).u32(4).u32(one).u32(one).u32(one).u32(one),
                        out -> out.u8(1).u32(4).u32(one).u32(one).u32(one).u32(0),
                        out -> out.u8(1).u32(4).u32(-1).u32(one).u32(one).u32(one),
                        out -> out.u8(1).u32(0),
                        out -> out.u8(1).u32(-1),
                        out -> out.u8(2).u32(Integer.MAX_VALUE).u32(one))) {
            assertMalformed(() -> readCache(SCALED.dtype(), wrong));
        }
        UnaryOperator<MessageWriter> right =
                out -> out.u8(1).u32(4).u32(one).u32(one).u32(one).u32(one);
        assertEquals(1, readCache(DType.INT8, right).layout().scales().value(1, 3));
        assertMalformed(() -> readCache(DType.BF16, right));
    }

    /** A cache of 2 layers and 4 of 8 heads, as on the wire, and what is said of its scales. */
    private static RemoteCache readCache(DType dtype, UnaryOperator<MessageWriter> scales) {
        var plain = scaled(3, SCALED.withScales(KvScales.NONE));
        var message = Hello.message(plain);
        var bytes = new byte[message.remaining() - 2];
        message.get(1, bytes);
        bytes[bytes.length - DTYPE_FROM_END] = (byte) dtype.number();
        var out = new MessageWriter(ControlMessages.CACHE);
        for (byte b : bytes) {
            out.u8(b);
        }
        var in = body(scales.apply(out).message());
        var read = Hello.readCache(in, 11);
        in.end();
        return read;
    }

    @Test
    void aReadOfBlocksSurvivesTheTripAndItsTruncationsDoNot() {
        var ask =
                new ControlMessages.ReadBlocks(
                        1, 2, 3, 4, true, 5, 6, 70, 8, 9, new int[] {10, 11}, new int[] {12, 13});
        var message = ask.encode();
        var read = ControlMessages.ReadBlocks.decode(body(message));
        assertEquals(70, read.firstToken());
        assertEquals(9, read.firstBlock());
        assertArrayEquals(ask.ids(), read.ids());
        assertArrayEquals(ask.generations(), read.generations());
        for (int length = 1; length < message.remaining(); length++) {
            var part = message.duplicate().limit(length);
            assertMalformed(() -> ControlMessages.ReadBlocks.decode(body(part)));
        }
    }

    @Test
    void aReadOfRangesSurvivesTheTripAndItsTruncationsDoNot() {
        var ask =
                new ControlMessages.ReadRanges(
                        1, 2, 3, false, 4, 5, List.of(new StridedCopy(6, 7, 0, 0, 8, 9)));
        var message = ask.encode();
        assertEquals(ask, ControlMessages.ReadRanges.decode(body(message)));
        for (int length = 1; length < message.remaining(); length++) {
            var part = message.duplicate().limit(length);
            assertMalformed(() -> ControlMessages.ReadRanges.decode(body(part)));
        }
    }

    @Test
    void aWildCountIsRefusedBeforeAnythingIsAllocated() {
        var message =
                new MessageWriter(ControlMessages.READ_RANGES)
                        .u64(1)
                        .u64(2)
                        .u64(3)
                        .u8(0)
                        .u32(4)
                        .u32(5)
                        .u32(Integer.MAX_VALUE)
                        .message();
        assertMalformed(() -> ControlMessages.ReadRanges.decode(body(message)));
    }

    @Property
    void arbitraryBytesAreReadOrRefused(@ForAll @Size(max = 300) byte[] bytes) {
        List<Consumer<MessageReader>> decoders =
                List.of(
                        in -> Hello.decode(in, Limits.DEFAULT),
                        ControlMessages.ReadBlocks::decode,
                        ControlMessages.ReadRanges::decode);
        for (var decoder : decoders) {
            try {
                decoder.accept(new MessageReader(ByteBuffer.wrap(bytes)));
            } catch (TransferException e) {
                assertEquals(ErrorCode.MALFORMED, e.code());
            }
        }
    }

    private static void assertMalformed(Runnable decoding) {
        var refusal = assertThrows(TransferException.class, decoding::run);
        assertEquals(ErrorCode.MALFORMED, refusal.code());
    }
}
