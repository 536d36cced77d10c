package io.kvwire.rdma;

import io.kvwire.tck.WireConformance;
import io.kvwire.tck.WireUnderTest;

import java.util.Map;

/** RDMA passes the whole suite on a simulated network. */
class SimulatedConformanceTest extends WireConformance {
    @Override
    protected WireUnderTest wire() {
        return new SimWire(1, SimFabric.Weather.FAIR, 1, Map.of());
    }
}
