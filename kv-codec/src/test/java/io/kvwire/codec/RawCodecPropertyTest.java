package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.DType;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.KvOrder;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.Slab;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Random;
import java.util.stream.IntStream;

/** Frames between unequal caches, against the plan's own list of copies. */
class RawCodecPropertyTest {
    record Side(int tokensPerBlock, KvOrder order, KvForm form) {}

    @Property(tries = 400)
    void whatGoesThroughAFrameIsWhatACopyWouldMove(
            @ForAll("sides") Side from,
            @ForAll("sides") Side to,
            @ForAll("ranges") TokenRange tokens,
            @ForAll DType dtype,
            @ForAll long seed) {
        var random = new Random(seed);
        int heads = 1 + random.nextInt(4);
        int headDim = 1 + random.nextInt(5);
        var source = layout(from, heads, headDim, dtype);
        var target = layout(to, heads, headDim, dtype);
        int blocks = 1 + tokens.end() / Math.min(from.tokensPerBlock(), to.tokensPerBlock());
        var sourceTable = shuffled(blocks, random);
        var targetTable = shuffled(blocks, random);
        var sourceCache = new byte[(int) source.blockBytes() * blocks];
        random.nextBytes(sourceCache);
        var targetCache = new byte[(int) target.blockBytes() * blocks];
        random.nextBytes(targetCache);
        var expected = targetCache.clone();
        var plan = LayoutPlan.between(source, target);
        for (var copy : plan.copies(sourceTable, blocks, targetTable, blocks, tokens)) {
            for (int i = 0; i < copy.count(); i++) {
                System.arraycopy(
                        sourceCache,
                        (int) (copy.sourceOffset() + i * copy.sourceStride()),
                        expected,
                        (int) (copy.targetOffset() + i * copy.targetStride()),
                        (int) copy.length());
            }
        }

        var model = new KvModel(random.nextLong(), random.nextLong(), random.nextBoolean());
        var id = new Slab.Id(random.nextLong(), random.nextLong(), random.nextInt(), 0, 1);
        var slab = new Slab(id, target, 1, tokens, 0, heads);
        int unaligned = random.nextInt(8);
        var room =
                MemorySegment.ofArray(
                        new byte[unaligned + FrameHeader.BYTES + (int) slab.rawBytes() + 7]);
        var codec = new RawCodec(model);
        long length =
                codec.encode(
                        slab,
                        runs(plan, source, sourceCache, sourceTable, tokens),
                        room.asSlice(unaligned));
        assertEquals(codec.maxFrameBytes(slab), length);
        new RawCodec(model)
                .decode(
                        room.asSlice(unaligned, length),
                        slab,
                        runs(plan, target, targetCache, targetTable, tokens));

        assertArrayEquals(expected, targetCache);
    }

    @Provide
    Arbitrary<Side> sides() {
        return Combinators.combine(
                        Arbitraries.of(1, 3, 16, 32, 64),
                        Arbitraries.of(KvOrder.class),
                        Arbitraries.of(KvForm.SPLIT, KvForm.FUSED))
                .as(Side::new);
    }

    @Provide
    Arbitrary<TokenRange> ranges() {
        return Combinators.combine(
                        Arbitraries.integers().between(0, 100),
                        Arbitraries.integers().between(1, 100))
                .as(TokenRange::new);
    }

    private static KvLayout layout(Side side, int heads, int headDim, DType dtype) {
        return KvLayout.builder()
                .layers(2)
                .kvHeads(heads)
                .headDim(headDim)
                .dtype(dtype)
                .tokensPerBlock(side.tokensPerBlock())
                .order(side.order())
                .form(side.form())
                .build();
    }

    private static int[] shuffled(int blocks, Random random) {
        var ids = new ArrayList<>(IntStream.range(0, blocks).boxed().toList());
        Collections.shuffle(ids, random);
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }

    private static BlockRuns runs(
            LayoutPlan plan, KvLayout side, byte[] cache, int[] table, TokenRange tokens) {
        var placement = LayerPlacement.dense(side, MemorySegment.ofArray(cache), table.length);
        var runs = new BlockRuns();
        runs.start(plan, side, table, BlockRuns.Origin.of(placement, table.length), tokens);
        return runs;
    }
}
