package io.kvwire.rdma;

import io.kvwire.tck.WireConformance;
import io.kvwire.tck.WireUnderTest;

import java.util.Map;

/** RDMA passes the suite on a simulated network with lanes that a connection manager connects. */
class ManagedConformanceTest extends WireConformance {
    @Override
    protected WireUnderTest wire() {
        return new SimWire(2, SimFabric.Weather.FAIR, 1, Map.of("rdma.connect", "cm"));
    }
}
