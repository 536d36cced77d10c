package io.kvwire.pcie;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class WakefulnessTest {
    @Test
    void keepsOneLaneAwakeOnTheSmallestHost() {
        var wakefulness = new Wakefulness(1);
        assertTrue(wakefulness.take());
        assertFalse(wakefulness.take());
    }

    @Test
    void keepsAsManyAwakeAsAQuarterOfTheCoresAndTakesThemBack() {
        var wakefulness = new Wakefulness(8);
        assertTrue(wakefulness.take());
        assertTrue(wakefulness.take());
        assertFalse(wakefulness.take());
        wakefulness.give();
        assertTrue(wakefulness.take());
        assertFalse(wakefulness.take());
    }
}
