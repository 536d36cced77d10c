package io.kvwire.pcie;

import io.kvwire.tck.WireConformance;
import io.kvwire.tck.WireUnderTest;

import java.util.Map;

/** The whole suite on caches in shared memory, which the receiver reads in place. */
class SharedMemoryConformanceTest extends WireConformance {
    @Override
    protected WireUnderTest wire() {
        return new PcieWire(true, Map.of("pcie.eagerBytes", "256"));
    }
}
