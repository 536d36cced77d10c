package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.Elements.Run;
import io.kvwire.transport.spi.RunCursor;

import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.EdgeCasesMode;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.PropertyDefaults;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;

import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** Every pair of layouts, against a reference that computes the address of each element. */
@PropertyDefaults(tries = 500, edgeCases = EdgeCasesMode.NONE)
class LayoutPlanPropertyTest {
    private static final int SPARE_BLOCKS = 3;

    /** Two sides of one model, the tokens to move, and a seed for tables and canaries. */
    record Pair(KvLayout source, KvLayout target, TokenRange tokens, long seed) {}

    record Model(int kvHeads, int headDim, DType dtype, boolean latent) {}

    record Side(int tokensPerBlock, KvOrder order, KvForm form, int split, int rank) {}

    /** One end of a move: a cache of its own with a scattered table. */
    private static final class End {
        final KvLayout layout;
        final int capacity;
        final int[] table;
        final Elements elements;
        final byte[] layer;

        End(KvLayout layout, int tokens, Random random) {
            this.layout = layout;
            int blocks = Math.ceilDiv(tokens, layout.tokensPerBlock());
            capacity = blocks + SPARE_BLOCKS;
            var ids = new ArrayList<>(IntStream.range(0, capacity).boxed().toList());
            if (random.nextInt(4) != 0) {
                Collections.shuffle(ids, random);
            }
            table = ids.stream().limit(blocks).mapToInt(Integer::intValue).toArray();
            elements = new Elements(layout, capacity, table);
            layer = new byte[elements.layerBytes()];
            random.nextBytes(layer);
        }

        BlockRuns runs(LayoutPlan plan, TokenRange tokens) {
            var memory = MemorySegment.ofArray(layer);
            var runs = new BlockRuns();
            runs.start(
                    plan,
                    layout,
                    table,
                    BlockRuns.Origin.of(LayerPlacement.dense(layout, memory, capacity), capacity),
                    tokens);
            return runs;
        }
    }

    @Property
    void copiesMoveTheElementsOfTheRangeAndNothingElse(@ForAll("pairs") Pair pair) {
        var random = new Random(pair.seed());
        var source = new End(pair.source(), pair.tokens().end(), random);
        var target = new End(pair.target(), pair.tokens().end(), random);
        var common = commonHeads(pair.source(), pair.target());
        source.elements.fill(source.layer, pair.tokens(), common);
        var expected = target.layer.clone();
        target.elements.fill(expected, pair.tokens(), common);

        var copies =
                LayoutPlan.between(pair.source(), pair.target())
                        .copies(
                                source.table,
                                source.capacity,
                                target.table,
                                target.capacity,
                                pair.tokens());
        for (var copy : copies) {
            for (int i = 0; i < copy.count(); i++) {
                System.arraycopy(
                        source.layer,
                        Math.toIntExact(copy.sourceOffset() + i * copy.sourceStride()),
                        target.layer,
                        Math.toIntExact(copy.targetOffset() + i * copy.targetStride()),
                        Math.toIntExact(copy.length()));
            }
        }

        assertArrayEquals(expected, target.layer);
    }

    @Property
    void cursorsOfBothSidesAgreeOnTheBytesOfTheWire(@ForAll("pairs") Pair pair) {
        var random = new Random(pair.seed());
        var source = new End(pair.source(), pair.tokens().end(), random);
        var target = new End(pair.target(), pair.tokens().end(), random);
        var common = commonHeads(pair.source(), pair.target());
        source.elements.fill(source.layer, pair.tokens(), common);
        var expected = target.layer.clone();
        target.elements.fill(expected, pair.tokens(), common);
        var plan = LayoutPlan.between(pair.source(), pair.target());

        var wire = gather(source.runs(plan, pair.tokens()));
        scatter(wire, target.runs(plan, pair.tokens()));

        assertEquals(plan.tokenBytes() * pair.tokens().count(), wire.length);
        assertEquals(wire.length, plan.bytes(pair.tokens().count()) / pair.target().layers());
        assertArrayEquals(expected, target.layer);
    }

    @Property
    void runsFollowTheOrderOfTheTargetAndAreAsLongAsPossible(@ForAll("pairs") Pair pair) {
        var random = new Random(pair.seed());
        var source = new End(pair.source(), pair.tokens().end(), random);
        var target = new End(pair.target(), pair.tokens().end(), random);
        var plan = LayoutPlan.between(pair.source(), pair.target());
        var common = commonHeads(pair.source(), pair.target());

        var wire = Elements.wireOrder(pair.target(), pair.tokens(), common);

        assertEquals(target.elements.runs(wire), list(target.runs(plan, pair.tokens())));
        assertEquals(source.elements.runs(wire), list(source.runs(plan, pair.tokens())));
    }

    @Property
    void copiesAreInTheOrderOfTheWireAndNeighboursAreMerged(@ForAll("pairs") Pair pair) {
        var random = new Random(pair.seed());
        var source = new End(pair.source(), pair.tokens().end(), random);
        var target = new End(pair.target(), pair.tokens().end(), random);
        var plan = LayoutPlan.between(pair.source(), pair.target());
        var copies =
                plan.copies(
                        source.table,
                        source.capacity,
                        target.table,
                        target.capacity,
                        pair.tokens());

        var fromRuns = new ArrayList<Run>();
        var toRuns = new ArrayList<Run>();
        for (var copy : copies) {
            for (int i = 0; i < copy.count(); i++) {
                long from = copy.sourceOffset() + i * copy.sourceStride();
                long to = copy.targetOffset() + i * copy.targetStride();
                if (!fromRuns.isEmpty()) {
                    assertFalse(
                            end(fromRuns.getLast()) == from && end(toRuns.getLast()) == to,
                            "two pieces that could be one");
                }
                fromRuns.add(new Run(from, copy.length()));
                toRuns.add(new Run(to, copy.length()));
            }
        }

        assertEquals(list(source.runs(plan, pair.tokens())), merged(fromRuns));
        assertEquals(list(target.runs(plan, pair.tokens())), merged(toRuns));
    }

    @Property
    void sourceRanksThatArePlannedCoverATargetRankOnce(@ForAll("pairs") Pair pair) {
        var random = new Random(pair.seed());
        var target = new End(pair.target(), pair.tokens().end(), random);
        var expected = target.layer.clone();
        target.elements.fill(expected, pair.tokens(), Elements.headsOf(pair.target()));
        var written = new int[target.layer.length];

        for (var plan : LayoutPlan.allInto(pair.source(), pair.target())) {
            var source = new End(plan.source(), pair.tokens().end(), random);
            source.elements.fill(source.layer, pair.tokens(), Elements.headsOf(plan.source()));
            scatter(gather(source.runs(plan, pair.tokens())), target.runs(plan, pair.tokens()));
            var runs = target.runs(plan, pair.tokens());
            while (runs.next()) {
                for (long i = runs.offset(); i < runs.offset() + runs.length(); i++) {
                    written[(int) i]++;
                }
            }
        }

        assertTrue(Arrays.stream(written).allMatch(times -> times <= 1), "a byte written twice");
        assertArrayEquals(expected, target.layer);
    }

    @Property
    void everySourceRankFeedsSomeTargetWhenBothSidesHaveAsManyRanks(@ForAll("pairs") Pair pair) {
        int size = pair.source().tensorParallel().size();
        var senders = new ArrayList<Integer>();
        for (int rank = 0; rank < size; rank++) {
            var target = at(pair.target(), rank, size);
            for (var plan : LayoutPlan.allInto(pair.source(), target)) {
                senders.add(plan.source().tensorParallel().rank());
            }
        }

        assertEquals(IntStream.range(0, size).boxed().toList(), senders);
    }

    @Property
    void sameOrderTellsWhetherWholeBlocksAreSentAsTheyLie(@ForAll("pairs") Pair pair) {
        int tokens =
                leastCommonMultiple(pair.source().tokensPerBlock(), pair.target().tokensPerBlock());
        var plan = LayoutPlan.between(pair.source(), pair.target());
        var source = new End(pair.source(), tokens, new Random(pair.seed()));
        var runs = list(source.runs(plan, new TokenRange(0, tokens)));

        boolean whole = true;
        for (int part = 0; part < Elements.parts(pair.source()); part++) {
            for (int token = 0; token < tokens; token += pair.source().tokensPerBlock()) {
                int head = Elements.headsOf(pair.source()).getFirst();
                long start = source.elements.offset(part, token, head, 0);
                whole &=
                        runs.stream()
                                .anyMatch(run ->
                                        run.offset() <= start
                                                && end(run) >= start + pair.source().partBytes());
            }
        }

        assertEquals(whole, plan.sameOrder());
    }

    @Provide
    Arbitrary<Pair> pairs() {
        var models =
                Combinators.combine(
                                Arbitraries.of(1, 2, 3, 4, 6, 8),
                                Arbitraries.of(1, 2, 3, 8),
                                Arbitraries.of(DType.class),
                                Arbitraries.frequencyOf(
                                        Tuple.of(4, Arbitraries.just(false)),
                                        Tuple.of(1, Arbitraries.just(true))))
                        .as((heads, dim, dtype, latent) ->
                                new Model(latent ? 1 : heads, dim, dtype, latent));
        var sides =
                Combinators.combine(
                                Arbitraries.of(1, 3, 5, 16, 32, 64, 128),
                                Arbitraries.of(KvOrder.class),
                                Arbitraries.of(KvForm.SPLIT, KvForm.FUSED),
                                Arbitraries.integers().between(0, 100),
                                Arbitraries.integers().between(0, 100))
                        .as(Side::new);
        var ranges =
                Combinators.combine(
                                Arbitraries.integers().between(0, 150),
                                Arbitraries.integers().between(0, 150))
                        .as(TokenRange::new);
        return Combinators.combine(models, sides, sides, ranges, Arbitraries.longs())
                .as(LayoutPlanPropertyTest::pair);
    }

    private static Pair pair(Model model, Side source, Side target, TokenRange tokens, long seed) {
        var to = layout(model, target);
        var from = layout(model, source);
        var size = from.tensorParallel().size();
        var sharing =
                IntStream.range(0, size)
                        .mapToObj(rank -> at(from, rank, size))
                        .filter(candidate -> !commonHeads(candidate, to).isEmpty())
                        .toList();
        return new Pair(sharing.get(source.rank() % sharing.size()), to, tokens, seed);
    }

    private static KvLayout layout(Model model, Side side) {
        var sizes =
                IntStream.rangeClosed(1, model.kvHeads() * 4)
                        .filter(n -> model.kvHeads() % n == 0 || n % model.kvHeads() == 0)
                        .toArray();
        int size = sizes[side.split() % sizes.length];
        return KvLayout.builder()
                .layers(2)
                .kvHeads(model.kvHeads())
                .headDim(model.headDim())
                .tokensPerBlock(side.tokensPerBlock())
                .dtype(model.dtype())
                .order(side.order())
                .form(model.latent() ? KvForm.LATENT : side.form())
                .tensorParallel(side.rank() % size, size)
                .build();
    }

    private static KvLayout at(KvLayout layout, int rank, int size) {
        return new KvLayout(
                layout.layers(),
                layout.kvHeads(),
                layout.headDim(),
                layout.tokensPerBlock(),
                layout.dtype(),
                layout.order(),
                layout.form(),
                new TensorParallel(rank, size),
                KvScales.NONE);
    }

    private static List<Integer> commonHeads(KvLayout source, KvLayout target) {
        var common = new ArrayList<>(Elements.headsOf(source));
        common.retainAll(Elements.headsOf(target));
        return common;
    }

    private static byte[] gather(RunCursor runs) {
        var wire = new ByteArrayOutputStream();
        while (runs.next()) {
            var piece = runs.segment().asSlice(runs.offset(), runs.length());
            wire.writeBytes(piece.toArray(ValueLayout.JAVA_BYTE));
        }
        return wire.toByteArray();
    }

    private static void scatter(byte[] wire, RunCursor runs) {
        long at = 0;
        while (runs.next()) {
            MemorySegment.copy(
                    MemorySegment.ofArray(wire), at, runs.segment(), runs.offset(), runs.length());
            at += runs.length();
        }
        assertEquals(wire.length, at);
    }

    private static List<Run> list(RunCursor cursor) {
        var runs = new ArrayList<Run>();
        while (cursor.next()) {
            runs.add(new Run(cursor.offset(), cursor.length()));
        }
        return runs;
    }

    private static long end(Run run) {
        return run.offset() + run.length();
    }

    private static List<Run> merged(List<Run> pieces) {
        var runs = new ArrayList<Run>();
        for (var piece : pieces) {
            if (!runs.isEmpty() && end(runs.getLast()) == piece.offset()) {
                var last = runs.removeLast();
                runs.add(new Run(last.offset(), last.length() + piece.length()));
            } else {
                runs.add(piece);
            }
        }
        return runs;
    }

    private static int leastCommonMultiple(int a, int b) {
        return a / BigInteger.valueOf(a).gcd(BigInteger.valueOf(b)).intValue() * b;
    }
}
