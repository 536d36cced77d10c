package io.kvwire.codec;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

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
import java.util.Arrays;
import java.util.Collections;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Unequal caches, blocks in any order, partial blocks, any options: a frame holds what it would
 * hold if the elements lay one behind the other, and its elements come to where a copy would put
 * them.
 */
class Int8LayoutPropertyTest {
    record Side(int tokensPerBlock, KvOrder order, KvForm form) {}

    @Property(tries = 600)
    void framesDoNotDependOnWhereBlocksLie(
            @ForAll("sides") Side from,
            @ForAll("sides") Side to,
            @ForAll("ranges") TokenRange tokens,
            @ForAll("options") String options,
            @ForAll long seed) {
        var random = new Random(seed);
        int heads = 1 + random.nextInt(4);
        int headDim = 1 + random.nextInt(80);
        var dtype = DType.of(random.nextInt(3));
        var source = layout(from, heads, headDim, dtype);
        var target = layout(to, heads, headDim, dtype);
        int blocks = 1 + tokens.end() / Math.min(from.tokensPerBlock(), to.tokensPerBlock());
        var sourceTable = shuffled(blocks, random);
        var targetTable = shuffled(blocks, random);
        var plan = LayoutPlan.between(source, target);
        var slab = CodecRuns.slab(target, tokens);
        var cache = elements((int) source.blockBytes() * blocks, dtype, random);
        var inOrder = gathered(slab, runs(plan, source, cache, sourceTable, tokens));
        var codec = new Int8Codec(KvModel.UNKNOWN, Int8Options.parse(options));

        var frame = new byte[(int) codec.maxFrameBytes(slab)];
        long length =
                codec.encode(
                        slab,
                        runs(plan, source, cache, sourceTable, tokens),
                        MemorySegment.ofArray(frame));
        frame = Arrays.copyOf(frame, (int) length);
        assertArrayEquals(CodecRuns.encode(codec, slab, inOrder), frame);

        var reader = new Int8Codec(KvModel.UNKNOWN);
        var decoded = CodecRuns.decode(reader, slab, frame);
        var placed = new byte[(int) target.blockBytes() * blocks];
        random.nextBytes(placed);
        var expected = placed.clone();
        reader.decode(
                MemorySegment.ofArray(frame),
                slab,
                runs(plan, target, placed, targetTable, tokens));
        scatter(decoded, runs(plan, target, expected, targetTable, tokens));
        assertArrayEquals(expected, placed);
    }

    @Provide
    Arbitrary<Side> sides() {
        return Combinators.combine(
                        Arbitraries.of(1, 3, 16, 32),
                        Arbitraries.of(KvOrder.class),
                        Arbitraries.of(KvForm.SPLIT, KvForm.FUSED))
                .as(Side::new);
    }

    @Provide
    Arbitrary<TokenRange> ranges() {
        return Combinators.combine(
                        Arbitraries.integers().between(0, 50),
                        Arbitraries.integers().between(1, 50))
                .as(TokenRange::new);
    }

    @Provide
    Arbitrary<String> options() {
        return Arbitraries.of(
                "",
                "",
                "scales=fp16",
                "range=asymmetric",
                "keys=raw",
                "values=raw",
                "keys=channel",
                "keys=channel,scales=fp16,values=hadamard",
                "keys=hadamard",
                "keys=hadamard,values=hadamard,range=asymmetric",
                "keys=outliers:3",
                "keys=outliers:2,scales=fp16,values=raw",
                "keys=outliers:1,range=asymmetric",
                "skip=0");
    }

    /** Ordinary numbers, and in some caches a few that no scale fits. */
    private static byte[] elements(int bytes, DType dtype, Random random) {
        var values = new float[bytes / dtype.bytes()];
        int odd = random.nextInt(4);
        for (int i = 0; i < values.length; i++) {
            values[i] = (float) random.nextGaussian();
            if (odd == 0 && random.nextInt(500) == 0) {
                values[i] = Float.NEGATIVE_INFINITY;
            }
        }
        return CodecRuns.elements(dtype, values);
    }

    private static byte[] gathered(Slab slab, BlockRuns runs) {
        var bytes = new byte[(int) slab.rawBytes()];
        long at = 0;
        while (runs.next()) {
            MemorySegment.copy(
                    runs.segment(), runs.offset(), MemorySegment.ofArray(bytes), at, runs.length());
            at += runs.length();
        }
        return bytes;
    }

    private static void scatter(byte[] bytes, BlockRuns runs) {
        long at = 0;
        while (runs.next()) {
            MemorySegment.copy(
                    MemorySegment.ofArray(bytes), at, runs.segment(), runs.offset(), runs.length());
            at += runs.length();
        }
    }

    private static KvLayout layout(Side side, int heads, int headDim, DType dtype) {
        return KvLayout.builder()
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
