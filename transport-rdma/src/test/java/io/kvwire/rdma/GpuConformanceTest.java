package io.kvwire.rdma;

import io.kvwire.tck.DeviceWire;
import io.kvwire.tck.WireConformance;
import io.kvwire.tck.WireUnderTest;

import java.util.Map;

/** Caches in memory of a device that the NIC reaches pass the whole suite. */
class GpuConformanceTest extends WireConformance {
    @Override
    protected WireUnderTest wire() {
        return DeviceWire.openToNics(new SimWire(1, SimFabric.Weather.FAIR, 1, Map.of()));
    }
}
