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
                    List.of(new RemoteCache(1, "kv", LAYOUT, 99, Access.REMOTE_READ, 11)),
                    List.of(new RemoteRegion(2, 21, 22, Access.REMOTE_WRITE)));

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
