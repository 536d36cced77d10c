package io.kvwire.pcie.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** That every figure is taken; what they are says nothing at this size. */
class GpuMeasurementsTest {
    @Test
    void everyFigureIsTaken() throws Exception {
        TestDriver.open().close();
        try (var measurements = new GpuMeasurements(4 << 20, 1 << 20, 1)) {
            var results = measurements.run();
            assertTrue(results.containsKey("gather against a copy"), results::toString);
            assertTrue(results.containsKey("growth of compute time, %"), results::toString);
            assertTrue(results.containsKey("share of sending that is hidden"), results::toString);
            assertTrue(
                    results.keySet().stream().filter(name -> name.endsWith("target")).count() >= 7,
                    results::toString);
            assertTrue(GpuMeasurements.json(results).startsWith("{\"device\": "));
        }
    }
}
