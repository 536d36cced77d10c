package io.kvwire.pcie;

import io.kvwire.tck.WireConformance;
import io.kvwire.tck.WireUnderTest;

import java.util.Map;

/** The whole suite on caches in private memory, which the receiver reads out of the process. */
class PrivateMemoryConformanceTest extends WireConformance {
    @Override
    protected WireUnderTest wire() {
        return new PcieWire(false, Map.of("pcie.frames", "3"));
    }
}
