package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import net.jqwik.api.constraints.Size;

import org.junit.jupiter.api.Test;

import java.util.List;

class OverlapTest {
    private static final double MS = 1e-3;

    @Test
    void eachStageWaitsForTheOneBeforeAndForItself() {
        var overlap =
                Overlap.of(
                        new long[] {10, 10, 10},
                        new long[] {2, 2, 2},
                        new long[] {15, 15, 1},
                        new long[] {3, 3, 3});
        assertArrayEquals(new long[] {10, 20, 30}, overlap.computed());
        assertArrayEquals(new long[] {12, 22, 32}, overlap.encoded());
        assertArrayEquals(new long[] {27, 42, 43}, overlap.carried());
        assertArrayEquals(new long[] {30, 45, 48}, overlap.decoded());
        assertEquals(48, overlap.ideal());
        assertEquals(30 + 6 + 31 + 9, overlap.bulk());
    }

    @Test
    void aFastTransferHidesAllButItsLastLayer() {
        var overlap = Overlap.uniform(8, 100, 0, 40, 0);
        assertEquals(8 * 100 + 40, overlap.ideal());
        assertEquals(7.0 / 8, overlap.hideableShare(), 1e-12);
        assertEquals(1, overlap.hiddenShare(overlap.ideal()), 1e-12);
        assertEquals(0, overlap.hiddenShare(overlap.bulk()), 1e-12);
        assertEquals(7.0 / 8, overlap.unseenShare(overlap.ideal()), 1e-12);
        assertEquals(1, overlap.efficiency(overlap.ideal()), 1e-12);
        assertTrue(overlap.hiddenShare(overlap.bulk() + 1) < 0, "worse than bulk");
    }

    @Test
    void aSlowTransferHidesTheComputeInstead() {
        var overlap = Overlap.uniform(4, 10, 0, 100, 0);
        assertEquals(10 + 4 * 100, overlap.ideal());
        assertEquals(30.0 / 400, overlap.hideableShare(), 1e-12);
    }

    @Test
    void oneUnitHidesNothing() {
        var overlap = Overlap.uniform(1, 10, 2, 30, 4);
        assertEquals(overlap.bulk(), overlap.ideal());
        assertEquals(0, overlap.hideableShare());
        assertEquals(1, overlap.hiddenShare(overlap.ideal()));
    }

    @Property
    void theIdealLiesBetweenTheLongestStageAndBulk(
            @ForAll @Size(min = 1, max = 40) List<@LongRange(min = 0, max = 1 << 20) Long> times,
            @ForAll @IntRange(min = 1, max = 7) int spread) {
        int units = times.size();
        long[][] stages = new long[4][units];
        for (int stage = 0; stage < 4; stage++) {
            for (int i = 0; i < units; i++) {
                stages[stage][i] = times.get((i * spread + stage) % units);
            }
        }
        var overlap = Overlap.of(stages[0], stages[1], stages[2], stages[3]);
        long most = 0;
        for (long[] stage : stages) {
            long sum = 0;
            for (long time : stage) {
                sum += time;
            }
            most = Math.max(most, sum);
        }
        assertTrue(overlap.ideal() >= most, overlap.toString());
        assertTrue(overlap.ideal() <= overlap.bulk(), overlap.toString());
    }

    @Test
    void timesThatMakeNoSenseAreRefused() {
        long[] one = {1};
        assertThrows(
                IllegalArgumentException.class,
                () -> Overlap.of(new long[0], new long[0], new long[0], new long[0]));
        assertThrows(
                IllegalArgumentException.class, () -> Overlap.of(one, one, new long[] {1, 2}, one));
        assertThrows(
                IllegalArgumentException.class, () -> Overlap.of(one, one, new long[] {-1}, one));
        long[] huge = {Long.MAX_VALUE};
        assertThrows(ArithmeticException.class, () -> Overlap.of(huge, huge, one, one));
    }

    @Test
    void aCodecPaysBelowTheLinkRateOfItsFormula() {
        // (1 - 1/2) / (1/4 + 1/4) = 1 for E = D = 4, r = 2.
        assertTrue(Overlap.codecPaysSerially(0.99, 4, 4, 2));
        assertFalse(Overlap.codecPaysSerially(1.01, 4, 4, 2));
        assertFalse(Overlap.codecPaysSerially(0.001, 4, 4, 1), "a codec that saves nothing");

        assertEquals(2, Overlap.pipelinedBytesPerSecond(1, 4, 4, 2));
        assertEquals(3, Overlap.pipelinedBytesPerSecond(5, 4, 3, 2));
        assertTrue(Overlap.codecPaysPipelined(3.9, 4, 4, 2));
        assertFalse(Overlap.codecPaysPipelined(4.1, 4, 4, 2));
    }

    @Test
    void fullHidingOfA128KibModelNeedsTheKnownLink() {
        double raw = Overlap.linkForFullHiding(128 << 10, 10_000, 1);
        assertEquals(1.31e9, raw, 0.01e9);
        assertEquals(0.68e9, Overlap.linkForFullHiding(128 << 10, 10_000, 1.94), 0.01e9);
    }

    @Test
    void layersSmallerThanAHandOverGoTogether() {
        assertEquals(50_000, Overlap.groupBytes(1e9, 50_000));
        assertEquals(0, Overlap.groupBytes(0, 50_000), "an unknown link is not waited for");
        assertTrue(Overlap.layerwisePays(60_000, 1e9, 50_000));
        assertFalse(Overlap.layerwisePays(40_000, 1e9, 50_000));
    }

    @Test
    void manyFramesPipelineAndOneDoesNot() {
        var rates = new CodecDecision.Rates(1e9, 4e9, 4e9, 2, 1);
        assertEquals(1 * MS, rates.rawSeconds(1_000_000), 1e-9);
        assertEquals((0.25 + 0.5 + 0.25) * MS, rates.codecSeconds(1_000_000, 1 << 20), 1e-9);
        assertEquals(0.5, rates.codecSeconds(1_000_000_000, 1), 1e-6);
        assertTrue(rates.known());
        assertFalse(CodecDecision.Rates.UNKNOWN.known());
    }

    @Property
    void theDecisionIsTheFormulasAtBothEnds(
            @ForAll @IntRange(min = 1, max = 64) int link,
            @ForAll @IntRange(min = 1, max = 64) int encode,
            @ForAll @IntRange(min = 1, max = 64) int decode,
            @ForAll @IntRange(min = 11, max = 40) int tenths) {
        double ratio = tenths / 10.0;
        var rates = new CodecDecision.Rates(link, encode, decode, ratio, 1);
        double serial = 1.0 / encode + 1 / (ratio * link) + 1.0 / decode;
        // At a tie the two forms of the sum may round to either side.
        if (Math.abs(serial * link - 1) > 1e-9) {
            assertEquals(
                    Overlap.codecPaysSerially(link, encode, decode, ratio),
                    serial < 1.0 / link,
                    "one frame: the serial rule");
        }
        assertEquals(serial, rates.codecSeconds(1, 1), 1e-9);
        double many = 1e9 / rates.codecSeconds(1_000_000_000, 1);
        double formula = Overlap.pipelinedBytesPerSecond(link, encode, decode, ratio);
        assertEquals(formula, many, formula * 1e-6, "many frames: the pipelined rule");
    }
}
