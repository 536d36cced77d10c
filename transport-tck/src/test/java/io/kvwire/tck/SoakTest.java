package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.time.Duration;
import java.util.Random;

/** A short soak of the reference wire. */
class SoakTest {
    @Test
    void randomTransfersUnderRandomFaultsLeaveNoWrongByteAndNothingBehind() {
        long seed = Long.getLong(WireContract.SEED, new Random().nextInt(Integer.MAX_VALUE));
        var report = new Soak(MemoryWire::new, seed).run(Duration.ofSeconds(8));
        System.out.println(report);
        assertTrue(report.done() > 100 && report.verifiedBytes() > 0, report.toString());
        assertTrue(
                report.faults().values().stream().allMatch(count -> count >= 0)
                        && report.faults().values().stream().mapToLong(c -> c).sum() > 0,
                report.toString());
    }
}
