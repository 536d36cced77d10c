package io.kvwire.harness.timeline;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.kvwire.transport.TransferTrace.Interval;
import io.kvwire.transport.TransferTrace.Stage;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Two layers; prefill's clock is 1000 behind decode's, which asked at 5000. */
class TimelineBuilderTest {
    private static final ClockOffset CLOCK = new ClockOffset(1_000, 7);
    private static final long ASKED = 5_000;

    private static Interval frame(Stage stage, int layer, int first, int tokens, long a, long b) {
        return new Interval(stage, layer, first, tokens, a, b, 1);
    }

    private static TimelineBuilder builder(int promptTokens, int chunkTokens) {
        var units = new TimelineBuilder.Units(2, promptTokens, chunkTokens);
        return new TimelineBuilder(units, ASKED, CLOCK);
    }

    @Test
    void unitsAreTheLayersOfEachChunk() {
        var run =
                builder(40, 16)
                        .computed(4_100, List.of(10L, 20L, 30L, 40L, 50L, 60L), 75)
                        .build(90, 100);

        assertEquals(6, run.units().size());
        var last = run.units().getLast();
        assertEquals(1, last.layer());
        assertEquals(32, last.firstToken());
        assertEquals(8, last.tokens());
        assertEquals(new Span(150, 160, 10), last.compute());
        assertEquals(new Span(100, 175, 75), run.prefill());
        assertFalse(run.moved());
        assertEquals(7, run.clockErrorNanos());
    }

    @Test
    void aFrameOnTheWireIsSeenFromBothEndsOnOneClock() {
        var source = List.of(frame(Stage.WIRE, 0, 0, 16, 4_200, 4_210));
        var target = List.of(frame(Stage.WIRE, 0, 0, 16, 5_215, 5_230));

        var wire = builder(16, 16).moved(source, target).build(0, 0).units().getFirst().wire();

        assertEquals(new Span(200, 230, 30), wire);
    }

    @Test
    void waitingBehindAnotherFrameIsNotBeingBusy() {
        // Both are given to the wire at 200; it takes 30 for the one and 20 for the other.
        var target =
                List.of(
                        frame(Stage.WIRE, 0, 0, 16, 5_200, 5_230),
                        frame(Stage.WIRE, 1, 0, 16, 5_200, 5_250));

        var units = builder(16, 16).moved(List.of(), target).build(0, 0).units();

        assertEquals(new Span(200, 230, 30), units.get(0).wire());
        assertEquals(new Span(200, 250, 20), units.get(1).wire());
    }

    @Test
    void aFrameOfSeveralChunksIsSharedByTokens() {
        var target = List.of(frame(Stage.DECODE, 1, 8, 32, 5_000, 5_320));

        var units = builder(40, 16).moved(List.of(), target).build(0, 0).units();

        assertEquals(80, units.get(1).decode().busyNanos());
        assertEquals(160, units.get(3).decode().busyNanos());
        assertEquals(80, units.get(5).decode().busyNanos());
        assertEquals(Span.NONE, units.get(0).decode());
        assertEquals(Span.NONE, units.get(2).encode());
    }

    @Test
    void severalFramesOfAUnitAddUp() {
        var source =
                List.of(
                        frame(Stage.ENCODE, 0, 0, 8, 4_000, 4_010),
                        frame(Stage.ENCODE, 0, 8, 8, 4_050, 4_065));

        var unit = builder(16, 16).moved(source, List.of()).build(0, 0).units().getFirst();

        assertEquals(new Span(0, 65, 25), unit.encode());
    }

    /** What is put in by the recursion comes out of the timeline as it was put in. */
    @Test
    void theTimesOfARunThatIsIdealAreThoseOfItsRecursion() {
        long[] ready = {10, 25, 40, 50};
        long[] wire = {20, 5, 30, 10};
        long[] inPlace = new long[4];
        long before = 0;
        var target = new ArrayList<Interval>();
        for (int i = 0; i < 4; i++) {
            before = Math.max(ready[i], before) + wire[i];
            inPlace[i] = before;
            target.add(
                    frame(
                            Stage.WIRE,
                            i % 2,
                            i / 2 * 16,
                            16,
                            ASKED + 100 + ready[i],
                            ASKED + 100 + before));
        }

        var run =
                builder(32, 16)
                        .computed(4_100, IntStream.range(0, 4).mapToObj(i -> ready[i]).toList(), 60)
                        .moved(List.of(), target)
                        .build(100 + before, 500);

        var overlap = run.overlap();
        assertArrayEquals(inPlace, Arrays.copyOf(overlap.carried(), 4));
        assertEquals(before, overlap.ideal());
        assertEquals(60 + 65, overlap.bulk());
        var figures = OverlapFigures.of(run);
        assertEquals("run", figures.against());
        assertEquals(1, figures.hiddenShare(), 1e-9);
        assertEquals(1, figures.efficiency(), 1e-9);
        assertEquals(figures.hideableShare(), figures.unseenShare(), 1e-9);
    }

    @Test
    void againstBulkTheOverheadOfARunIsNotWhatCouldBeHidden() {
        var bulk = run(200, 30);
        var half = run(185, 30);

        var figures = OverlapFigures.of(half, bulk);

        // 100 of computing, 60 on the wire, of which the last unit's 30 cannot hide; 40 to ask.
        assertEquals(200e-6, figures.bulkMillis(), 1e-12);
        assertEquals(170e-6, figures.idealMillis(), 1e-12);
        assertEquals(0.5, figures.hiddenShare(), 1e-9);
        assertEquals(0.5, figures.hideableShare(), 1e-9);
        assertEquals(0.25, figures.unseenShare(), 1e-9);
    }

    private static Timeline run(long ready, long wire) {
        var target =
                List.of(
                        frame(Stage.WIRE, 0, 0, 16, ASKED + 140, ASKED + 140 + wire),
                        frame(Stage.WIRE, 1, 0, 16, ASKED + 140, ASKED + 140 + 2 * wire));
        return builder(16, 16)
                .computed(4_040, List.of(50L, 100L), 100)
                .moved(List.of(), target)
                .build(ready, ready);
    }

    @Test
    void nothingIsMadeUpForARunThatMovedNothing() {
        assertEquals(OverlapFigures.NONE, OverlapFigures.of(Timeline.NONE));
        assertThrows(IllegalArgumentException.class, Timeline.NONE::overlap);
        var builder = builder(16, 16);
        assertThrows(IllegalArgumentException.class, () -> builder.computed(0, List.of(1L), 1));
    }

    @Test
    void theShortestRoundTripTellsTheTime() {
        var slow = ClockOffset.of(100, 1_150, 300);
        var fast = ClockOffset.of(400, 1_310, 420);

        assertEquals(new ClockOffset(-950, 100), slow);
        assertEquals(new ClockOffset(-900, 10), fast);
        assertEquals(fast, ClockOffset.UNKNOWN.orBetter(slow).orBetter(fast));
        assertEquals(410, fast.here(1_310));
    }
}
