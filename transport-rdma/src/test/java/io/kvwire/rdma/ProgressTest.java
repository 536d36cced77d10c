package io.kvwire.rdma;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.util.concurrent.TimeUnit;

/** When a lane's device counts as one that stands still. */
class ProgressTest {
    private static final int LOOKS = 10;

    private final Progress progress = new Progress(TimeUnit.SECONDS.toNanos(1));
    private long now = 5_000_000_000L;
    private boolean still;

    /** Takes a look each tenth of a second. */
    private void look(boolean posted, boolean awaitsReport, long done) {
        now += 100_000_000;
        still |= progress.standsStill(posted, awaitsReport, done, now);
    }

    @Test
    void aDeviceThatReportsNothingOfWhatWasPostedStandsStillWhenItsTimeIsUp() {
        for (int i = 0; i < LOOKS; i++) {
            look(true, true, 3);
        }
        assertFalse(still, "before its time was up");
        look(true, true, 3);
        assertTrue(still);
        still = false;
        look(true, true, 3);
        assertFalse(still, "told twice");
    }

    @Test
    void aDeviceThatHasNothingToDoStandsStillNever() {
        for (int i = 0; i < 10 * LOOKS; i++) {
            look(false, false, 3);
        }
        assertFalse(still);
    }

    @Test
    void eachReportGivesItAllItsTimeAgain() {
        for (int i = 0; i < 10 * LOOKS; i++) {
            look(true, true, i / (LOOKS - 1));
        }
        assertFalse(still);
    }

    @Test
    void whatIsAskedForLaterHasAllItsTime() {
        for (int i = 0; i < LOOKS; i++) {
            look(true, false, 3);
        }
        for (int i = 0; i < LOOKS; i++) {
            look(true, true, 3);
        }
        assertFalse(still);
    }

    @Test
    void aPauseOfTheProcessIsNotHeldAgainstIt() {
        look(true, true, 3);
        now += TimeUnit.HOURS.toNanos(1);
        look(true, true, 3);
        assertFalse(still, "nobody looked meanwhile");
    }
}
