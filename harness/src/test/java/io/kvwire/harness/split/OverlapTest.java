package io.kvwire.harness.split;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;

import java.util.List;

class OverlapTest {
    @Test
    void aFastLinkAddsOnlyTheLastUnit() {
        assertEquals(302, Overlap.idealNanos(List.of(100L, 200L, 300L), List.of(2L, 2L, 2L), 300));
    }

    @Test
    void aSlowLinkIsBusyFromTheFirstUnitOn() {
        long end = Overlap.idealNanos(List.of(100L, 200L, 300L), List.of(500L, 500L, 500L), 310);
        assertEquals(100 + 3 * 500, end);
    }

    @Test
    void computingAfterTheLastUnitHidesItsTransfer() {
        assertEquals(400, Overlap.idealNanos(List.of(100L, 200L), List.of(50L, 50L), 400));
    }

    @Test
    void theShareIsMeasuredBetweenBulkAndIdeal() {
        assertEquals(0.75, Overlap.hiddenShare(200, 125, 100));
        assertEquals(1, Overlap.hiddenShare(200, 90, 100));
        assertEquals(0, Overlap.hiddenShare(200, 230, 100));
    }

    @Test
    void whatCannotBeMeasuredIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Overlap.hiddenShare(100, 100, 100));
        assertThrows(
                IllegalArgumentException.class,
                () -> Overlap.idealNanos(List.of(1L), List.of(), 1));
    }
}
