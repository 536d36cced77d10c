package io.kvwire.transport.spi;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class PaceTest {
    private static final long MIB = 1L << 20;
    private static final long SECOND = 1_000_000_000;

    private final Pace pace = new Pace(MIB);

    @Test
    void aFrameGoesWhenItsBytesArePaidFor() {
        assertEquals(SECOND, pace.due(MIB, 0));
    }

    @Test
    void framesPayOneAfterTheOther() {
        pace.due(MIB, 0);
        assertEquals(SECOND + SECOND / 2, pace.due(MIB / 2, SECOND / 4));
    }

    @Test
    void aPauseSavesNothingUp() {
        pace.due(MIB, 0);
        assertEquals(11 * SECOND, pace.due(MIB, 10 * SECOND));
    }

    @Test
    void theClockMayHaveAnyBeginningAndPassItsEnd() {
        assertEquals(Long.MIN_VALUE + SECOND - 1, pace.due(MIB, Long.MAX_VALUE));
        assertEquals(Long.MIN_VALUE + 2 * SECOND - 1, pace.due(MIB, Long.MAX_VALUE));
    }
}
