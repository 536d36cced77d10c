package io.kvwire.transport.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class LinkRateTest {
    private static final long MIB = 1L << 20;
    private static final long MILLI = 1_000_000;

    private final LinkRate rate = new LinkRate();

    @Test
    void aShortBurstSaysNothing() {
        rate.given(0);
        rate.released(2 * MIB, MILLI);
        assertEquals(0, rate.bytesPerSecond());
    }

    @Test
    void enoughBytesWithoutAPauseMakeASample() {
        rate.given(0);
        rate.given(0);
        rate.released(2 * MIB, MILLI);
        rate.released(2 * MIB, 2 * MILLI);
        assertEquals(4 * MIB * 500.0, rate.bytesPerSecond(), 1);
    }

    @Test
    void fewerDoOnALinkThatTakesLongOverThem() {
        rate.given(0);
        rate.released(MIB, 40 * MILLI);
        assertEquals(MIB * 25.0, rate.bytesPerSecond(), 1);
    }

    @Test
    void aPauseEndsWhatIsCountedTogether() {
        rate.given(0);
        rate.released(MIB / 2, 15 * MILLI);
        rate.given(500 * MILLI);
        rate.released(MIB / 2, 510 * MILLI);
        assertEquals(0, rate.bytesPerSecond());
    }

    @Test
    void newSamplesCountForHalf() {
        rate.given(0);
        rate.released(4 * MIB, 4 * MILLI);
        rate.given(10 * MILLI);
        rate.released(4 * MIB, 12 * MILLI);
        assertEquals(MIB * 1500.0, rate.bytesPerSecond(), 1);
    }

    @Test
    void aProbeTellsUntilThereIsTraffic() {
        assertEquals("not measured yet", rate.describe());
        rate.probed(25e6, 65_000);
        assertEquals(25e6, rate.bytesPerSecond());
        assertEquals("25.0 MB/s, from a probe of 65000 bytes", rate.describe());

        rate.given(0);
        rate.released(4 * MIB, 4 * MILLI);
        assertEquals("from the traffic", rate.describe().replaceAll(".*, ", ""));
        double mixed = rate.bytesPerSecond();
        rate.probed(1e6, 65_000);
        assertEquals(mixed, rate.bytesPerSecond(), "a probe that comes late says nothing");
    }
}
