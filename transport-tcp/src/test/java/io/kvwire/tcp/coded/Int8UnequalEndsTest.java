package io.kvwire.tcp.coded;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tcp.coded.HeldCache.Row;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.KvScales;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferNode;
import io.kvwire.transport.TransferOptions;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The codec int8 between caches that differ in everything that may differ, over TCP as an
 * application has it: each element that arrives is the source's within the bound of
 * docs/spec/kv-frame.md, whatever the blocks, and nothing else is touched.
 */
@Timeout(60)
class Int8UnequalEndsTest {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int LAYERS = 3;
    private static final int HEADS = 4;
    private static final int DIM = 64;

    /** Neither a first nor a last block that is whole, at either end. */
    private static final int FIRST = 5;

    private static final int TOKENS = 201;
    private static final int END = FIRST + TOKENS;

    private static final ValueLayout.OfShort BITS =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Arena arena = Arena.ofShared();
    private final List<TransferNode> nodes = new ArrayList<>();

    @AfterEach
    void close() {
        nodes.forEach(TransferNode::close);
        arena.close();
    }

    private static KvLayout.Builder model(DType dtype) {
        return KvLayout.builder().layers(LAYERS).kvHeads(HEADS).headDim(DIM).dtype(dtype);
    }

    /** What differs between the two ends. */
    private record Side(int tokensPerBlock, KvOrder order, KvForm form, int ranks) {
        KvLayout.Builder of(KvLayout.Builder model) {
            return model.tokensPerBlock(tokensPerBlock).order(order).form(form);
        }
    }

    private TransferNode node(String name) {
        var node =
                TransferNode.start(
                        NodeConfig.named(name).requiring("tcp").withCodec(CodecConfig.of("int8")));
        nodes.add(node);
        return node;
    }

    /** All ranks of one side, each with a node of its own. */
    private List<HeldCache> ranks(Side side, DType dtype, String name) {
        var ranks = new ArrayList<HeldCache>();
        for (int i = 0; i < side.ranks; i++) {
            var layout = side.of(model(dtype)).tensorParallel(i, side.ranks).build();
            ranks.add(new HeldCache(node(name + "-" + i), arena, layout, END, i + 1L));
        }
        return ranks;
    }

    private Peer connect(int from, int to) throws Exception {
        var peer = nodes.get(from).connect(nodes.get(to).address()).get(30, TimeUnit.SECONDS);
        assertEquals("tcp", peer.path().path());
        assertEquals("int8", peer.path().codec());
        return peer;
    }

    private static BlockTransfer blocks(HeldCache near, Peer peer, HeldCache far) {
        return new BlockTransfer(
                7,
                near.cache,
                near.table,
                peer.cache(HeldCache.NAME).orElseThrow(),
                far.table,
                FIRST,
                TOKENS,
                0);
    }

    @ParameterizedTest(name = "{0} tokens {1} {2} TP {3} to {4} tokens {5} {6} TP {7}, {8}")
    @CsvSource({
        "16, NHD, SPLIT, 1, 64, HND, FUSED, 2, WRITE",
        "16, NHD, SPLIT, 1, 64, HND, FUSED, 2, READ",
        "16, NHD, SPLIT, 1, 64, HND, FUSED, 2, STREAM",
        "64, HND, FUSED, 2, 16, NHD, SPLIT, 1, WRITE",
        "64, HND, FUSED, 2, 16, NHD, SPLIT, 1, READ",
        "128, NHD, FUSED, 4, 16, HND, SPLIT, 2, STREAM",
        "16, HND, SPLIT, 1, 64, HND, SPLIT, 1, WRITE"
    })
    void elementsArriveWithinTheBound(
            int sourceTokens,
            KvOrder sourceOrder,
            KvForm sourceForm,
            int sources,
            int targetTokens,
            KvOrder targetOrder,
            KvForm targetForm,
            int targets,
            Way way)
            throws Exception {
        var from = new Side(sourceTokens, sourceOrder, sourceForm, sources);
        var to = new Side(targetTokens, targetOrder, targetForm, targets);
        var prefill = ranks(from, DType.BF16, "prefill");
        var decode = ranks(to, DType.BF16, "decode");
        prefill.forEach(Int8UnequalEndsTest::fill);
        for (int i = 0; i < decode.size(); i++) {
            var target = decode.get(i);
            var before = images(target);
            move(prefill, target, i, way);
            assertWithinBound(prefill, target);
            assertOnlyTheRequest(target, before);
        }
        nodes.subList(0, sources).forEach(Int8UnequalEndsTest::assertEncoded);
    }

    private enum Way {
        WRITE,
        READ,
        STREAM
    }

    /** Moves the heads that they have in common from each source rank to one target rank. */
    private void move(List<HeldCache> prefill, HeldCache target, int rank, Way way)
            throws Exception {
        int targetNode = prefill.size() + rank;
        try (var reception =
                nodes.get(targetNode).expect(7, target.cache, target.table, FIRST, TOKENS)) {
            for (int i = 0; i < prefill.size(); i++) {
                var source = prefill.get(i);
                if (!sharesAHead(source, target)) {
                    continue;
                }
                switch (way) {
                    case WRITE -> {
                        var peer = connect(i, targetNode);
                        peer.write(blocks(source, peer, target), TransferOptions.DEFAULT)
                                .join(PATIENCE);
                    }
                    case READ -> {
                        var peer = connect(targetNode, i);
                        peer.read(blocks(target, peer, source), TransferOptions.DEFAULT)
                                .join(PATIENCE);
                    }
                    case STREAM -> {
                        var peer = connect(i, targetNode);
                        try (var stream =
                                peer.stream(
                                        blocks(source, peer, target), TransferOptions.DEFAULT)) {
                            for (int layer = 0; layer < LAYERS; layer++) {
                                stream.ready(layer, FIRST, 100);
                                stream.ready(layer, FIRST + 100, TOKENS - 100);
                            }
                            stream.transfer().join(PATIENCE);
                        }
                    }
                }
            }
            if (way != Way.READ) {
                reception.join(PATIENCE);
            }
        }
    }

    private static boolean sharesAHead(HeldCache source, HeldCache target) {
        for (int head = 0; head < HEADS; head++) {
            if (source.holds(head) && target.holds(head)) {
                return true;
            }
        }
        return false;
    }

    /** Each row of the request has numbers of its own, the same on every rank that holds it. */
    private static void fill(HeldCache cache) {
        forEachRow(
                cache,
                row -> {
                    var random = new Random(row.hashCode());
                    float size = Math.scalb(1f, random.nextInt(9) - 4);
                    long at = cache.address(row);
                    for (int i = 0; i < DIM; i++) {
                        float x = size * (float) random.nextGaussian();
                        short bits = (short) (Float.floatToRawIntBits(x) >>> 16);
                        cache.memory(row.layer()).set(BITS, at + 2L * i, bits);
                    }
                });
    }

    private static void forEachRow(HeldCache cache, Consumer<Row> action) {
        for (int layer = 0; layer < LAYERS; layer++) {
            for (int part = 0; part < 2; part++) {
                for (int token = FIRST; token < END; token++) {
                    for (int head = 0; head < HEADS; head++) {
                        if (cache.holds(head)) {
                            action.accept(new Row(layer, part, token, head));
                        }
                    }
                }
            }
        }
    }

    private static float[] values(HeldCache cache, Row row) {
        var values = new float[DIM];
        long at = cache.address(row);
        for (int i = 0; i < DIM; i++) {
            int bits = cache.memory(row.layer()).get(BITS, at + 2L * i);
            values[i] = Float.intBitsToFloat(bits << 16);
        }
        return values;
    }

    private static void assertWithinBound(List<HeldCache> prefill, HeldCache target) {
        var exact = new int[2];
        forEachRow(
                target,
                row -> {
                    var source =
                            prefill.stream()
                                    .filter(rank -> rank.holds(row.head()))
                                    .findFirst()
                                    .orElseThrow();
                    var expected = values(source, row);
                    var arrived = values(target, row);
                    double amax = 0;
                    for (float x : expected) {
                        amax = Math.max(amax, Math.abs(x));
                    }
                    double bound = amax / 127 / 2 * (1 + 1e-5);
                    for (int i = 0; i < DIM; i++) {
                        double error = Math.abs(expected[i] - arrived[i]);
                        assertTrue(
                                error <= bound + Math.abs(arrived[i]) * 0x1p-8,
                                row + ", element " + i + " is off by " + error);
                        exact[error == 0 ? 0 : 1]++;
                    }
                });
        assertTrue(
                exact[1] > exact[0], "elements were hardly quantised: " + Arrays.toString(exact));
    }

    private static List<byte[]> images(HeldCache cache) {
        var images = new ArrayList<byte[]>();
        for (int layer = 0; layer < LAYERS; layer++) {
            images.add(cache.image(layer));
        }
        return images;
    }

    /** What is not of the request is as it was. */
    private static void assertOnlyTheRequest(HeldCache target, List<byte[]> before) {
        var now = images(target);
        int rowBytes = DIM * target.layout.dtype().bytes();
        forEachRow(
                target,
                row -> {
                    int at = (int) target.address(row);
                    for (var images : List.of(before, now)) {
                        Arrays.fill(images.get(row.layer()), at, at + rowBytes, (byte) 0);
                    }
                });
        for (int layer = 0; layer < LAYERS; layer++) {
            assertArrayEquals(before.get(layer), now.get(layer), "beside the request");
        }
    }

    private static void assertEncoded(TransferNode source) {
        var metrics = source.metrics();
        assertTrue(metrics.codecs().containsKey("int8"), metrics.codecs().toString());
        assertEquals(1, metrics.codecs().size(), metrics.codecs().toString());
        double ratio = (double) metrics.bytesEncoded() / metrics.bytesSent();
        assertTrue(ratio > 1.8 && ratio < 1.89, "ratio " + ratio);
    }

    /** They are quantised already: the codec leaves them alone, and their scales go with them. */
    @ParameterizedTest
    @EnumSource(
            value = DType.class,
            names = {"FP8_E4M3", "FP8_E5M2", "INT8"})
    void elementsOfOneByteArriveBitForBitWithTheirScales(DType dtype) throws Exception {
        var scales =
                KvScales.perLayer(new float[] {0.5f, 0.25f, 3e-5f}, new float[] {1, 1.5f, 0.0625f});
        var near = new Side(16, KvOrder.NHD, KvForm.SPLIT, 1).of(model(dtype)).scales(scales);
        var far = new Side(64, KvOrder.HND, KvForm.FUSED, 1).of(model(dtype));
        var source = new HeldCache(node("prefill"), arena, near.build(), END, 1);
        var target = new HeldCache(node("decode"), arena, far.build(), END, 2);
        var before = images(target);
        var peer = connect(0, 1);
        peer.write(blocks(source, peer, target), TransferOptions.DEFAULT).join(PATIENCE);

        forEachRow(
                target,
                row -> {
                    long from = source.address(row);
                    long to = target.address(row);
                    var expected = source.memory(row.layer()).asSlice(from, DIM);
                    var arrived = target.memory(row.layer()).asSlice(to, DIM);
                    assertEquals(-1, expected.mismatch(arrived), () -> row + " of " + dtype);
                });
        assertOnlyTheRequest(target, before);
        var seen = nodes.get(1).peers().iterator().next().cache(HeldCache.NAME).orElseThrow();
        assertEquals(scales, seen.layout().scales());
        var metrics = nodes.get(0).metrics();
        assertEquals(2L * LAYERS * TOKENS * HEADS * DIM, metrics.bytesEncoded());
        assertTrue(metrics.bytesSent() >= metrics.bytesEncoded(), "frames of raw elements");
    }
}
