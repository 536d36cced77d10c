package io.kvwire.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.TransferOptions.Pace;

import org.junit.jupiter.api.Test;

class PaceDecisionTest {
    private static final long HAND_OVER = 50_000;
    private static final double LINK = 1e9;

    private static PaceDecision auto(long bytes, double link) {
        return PaceDecision.of(Pace.AUTO, bytes, link, HAND_OVER);
    }

    @Test
    void whatIsAskedForIsDone() {
        assertEquals(
                new PaceDecision(Pace.LAYERWISE, 0, "asked for"),
                PaceDecision.of(Pace.LAYERWISE, 10, LINK, HAND_OVER));
        assertEquals(
                new PaceDecision(Pace.BULK, 1L << 40, "asked for"),
                PaceDecision.of(Pace.BULK, 1L << 40, LINK, HAND_OVER));
        assertThrows(IllegalArgumentException.class, () -> new PaceDecision(Pace.AUTO, 0, ""));
    }

    @Test
    void belowTwoHandOversOnTheWireEverythingGoesAtOnce() {
        // At 1 GB/s a hand-over of 50 us costs as much as 50,000 bytes.
        assertEquals(Pace.BULK, auto(100_000, LINK).pace());
        assertEquals(Pace.LAYERWISE, auto(100_002, LINK).pace());
        assertEquals(Pace.LAYERWISE, auto(100_000, LINK / 2).pace(), "a slower link");
    }

    @Test
    void groupsSaturateTheLink() {
        assertEquals(50_000, auto(10_000_000, LINK).groupBytes());
        assertEquals(5_000, auto(10_000_000, LINK / 10).groupBytes());
    }

    @Test
    void theReasonHasTheFiguresThatDecided() {
        assertEquals(
                "10.000 ms at 1000.0 MB/s, a hand-over costs 0.050 ms",
                auto(10_000_000, LINK).reason());
    }

    @Test
    void anUnmeasuredLinkIsGivenEachLayerUnlessThereIsLittleOfIt() {
        assertEquals(
                new PaceDecision(Pace.LAYERWISE, 0, "the link is not measured yet"),
                auto(PaceDecision.UNMEASURED_CUT_OFF_BYTES, 0));
        var little = auto(PaceDecision.UNMEASURED_CUT_OFF_BYTES - 1, 0);
        assertEquals(Pace.BULK, little.pace());
        assertTrue(little.reason().contains("less than the cut-off of 65536"), little.reason());
    }
}
