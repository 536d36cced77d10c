package io.kvwire.harness.bench.worker;

import io.kvwire.harness.bench.Point;
import io.kvwire.pcie.SharedArena;
import io.kvwire.transport.Access;
import io.kvwire.transport.DType;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.HostArena;
import io.kvwire.transport.KvCache;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferNode;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * The memory of one end. Every 8-byte word of a source depends on request, layer, K or V, token and
 * place in the token, whatever the layout, and holds four BF16 numbers between 1 and 2 of either
 * sign, so that the same words suit a lossy codec. Confined to one thread; owns its memory.
 */
final class BenchCache implements AutoCloseable {
    private static final byte POISON = (byte) 0xEE;
    private static final long PAGE = 4096;
    private static final int SEED = 20_26;

    /** Sign and mantissa of four BF16 numbers, and their exponent. */
    private static final long FREE_BITS = 0x807F_807F_807F_807FL;

    private static final long ONE = 0x3F80_3F80_3F80_3F80L;

    /**
     * Half a step of a scale of 2/127, and half a unit in the last place of a BF16 number below 2:
     * what INT8 with a scale for each token may be off by.
     */
    private static final float INT8_BOUND = (2f / 127 / 2 + 1f / 256) * 1.001f;

    private final Point point;
    private final KvLayout layout;
    private final int[] order;
    private final Arena arena;
    private final List<LayerPlacement> placement;

    BenchCache(Point point, boolean source, String path) {
        this.point = point;
        layout = layout(point, source);
        int blocks = layout.blocksFor(point.tokens()) * point.requests();
        order = order(blocks, point.scattered(), source);
        arena = path.equals("pcie") ? SharedArena.openOrPrivate() : HostArena.open();
        try {
            long bytes = blocks * layout.blockBytes();
            placement =
                    IntStream.range(0, layout.layers())
                            .mapToObj(l ->
                                    LayerPlacement.dense(
                                            layout, arena.allocate(bytes, PAGE), blocks))
                            .toList();
        } catch (OutOfMemoryError | TransferException e) {
            arena.close();
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "no memory for " + (point.workingSetBytes() >> 20) + " MiB",
                    e);
        }
    }

    private static KvLayout layout(Point point, boolean source) {
        return KvLayout.builder()
                .layers(point.layers())
                .kvHeads(point.kvHeads())
                .headDim(point.headDim())
                .tokensPerBlock(
                        source ? point.sourceTokensPerBlock() : point.targetTokensPerBlock())
                .dtype(DType.BF16)
                .form(point.latent() ? KvForm.LATENT : KvForm.SPLIT)
                .build();
    }

    private static int[] order(int blocks, boolean scattered, boolean source) {
        int[] ids = IntStream.range(0, blocks).toArray();
        if (scattered) {
            var random = new Random(source ? SEED : SEED + 1);
            for (int i = ids.length - 1; i > 0; i--) {
                int other = random.nextInt(i + 1);
                int id = ids[i];
                ids[i] = ids[other];
                ids[other] = id;
            }
        }
        return ids;
    }

    KvCache register(TransferNode node, String name, Access access) {
        return node.register(name, layout, placement, order.length, access);
    }

    /** The blocks of all requests, one request after the other. */
    int[] order() {
        return order.clone();
    }

    int blocksPerRequest() {
        return layout.blocksFor(point.tokens());
    }

    private static long word(long row, long index) {
        long mixed = ((row << 20) ^ index) * 0x9E37_79B9_7F4A_7C15L;
        return ((mixed ^ (mixed >>> 29)) & FREE_BITS) | ONE;
    }

    /** Visits a token of one part of one layer: where it lies, and its number. */
    private interface RowVisitor {
        boolean visit(MemorySegment memory, long offset, long row);
    }

    /** Visits all rows of the first requests, until one says false. */
    private boolean rows(int requests, RowVisitor visitor) {
        int tokensPerBlock = layout.tokensPerBlock();
        int perRequest = blocksPerRequest();
        long row = 0;
        for (int request = 0; request < requests; request++) {
            for (var layer : placement) {
                for (int part = 0; part < point.parts(); part++) {
                    var memory = part == 0 ? layer.key() : layer.value();
                    long base = part == 0 ? layer.keyOffset() : layer.valueOffset();
                    for (int token = 0; token < point.tokens(); token++, row++) {
                        int block = order[request * perRequest + token / tokensPerBlock];
                        long offset =
                                base
                                        + block * layer.blockStride()
                                        + token % tokensPerBlock * layout.tokenStride();
                        if (!visitor.visit(memory, offset, row)) {
                            return false;
                        }
                    }
                }
            }
        }
        return true;
    }

    void fill() {
        fill(point.requests());
    }

    /** Fills the first so many requests; all memory exists afterwards. */
    void fill(int requests) {
        if (requests < point.requests()) {
            poison();
        }
        long words = point.rowBytes() / 8;
        rows(
                requests,
                (memory, offset, row) -> {
                    for (long i = 0; i < words; i++) {
                        memory.set(ValueLayout.JAVA_LONG, offset + i * 8, word(row, i));
                    }
                    return true;
                });
    }

    /** Overwrites everything, so that only what arrives from now on can be right. */
    void poison() {
        for (var layer : placement) {
            layer.key().fill(POISON);
        }
    }

    /** Whether the first so many requests hold what the source has; exactly, or as INT8 may. */
    boolean verify(long requests, boolean exact) {
        long words = point.rowBytes() / 8;
        return rows(
                (int) Math.min(requests, point.requests()),
                (memory, offset, row) -> {
                    for (long i = 0; i < words; i++) {
                        long found = memory.get(ValueLayout.JAVA_LONG, offset + i * 8);
                        long expected = word(row, i);
                        if (found != expected && (exact || !near(found, expected))) {
                            return false;
                        }
                    }
                    return true;
                });
    }

    private static boolean near(long found, long expected) {
        for (int shift = 0; shift < Long.SIZE; shift += Short.SIZE) {
            float difference = number(found >>> shift) - number(expected >>> shift);
            if (!(Math.abs(difference) <= INT8_BOUND)) {
                return false;
            }
        }
        return true;
    }

    private static float number(long bits) {
        return Float.intBitsToFloat((int) bits << Short.SIZE);
    }

    List<LayerPlacement> placement() {
        return placement;
    }

    KvLayout layout() {
        return layout;
    }

    @Override
    public void close() {
        arena.close();
    }
}
