package io.kvwire.rdma;

import io.kvwire.tck.WireConformance;
import io.kvwire.tck.WireUnderTest;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

import java.util.Map;

/**
 * RDMA passes the whole suite on a device of this host; -Dkvwire.rdma.provider names the provider.
 */
@Tag("rdma")
@Tag("rdma-device")
class DeviceConformanceTest extends WireConformance {

    @BeforeAll
    static void needsADevice() {
        DeviceWire.assumePresent();
    }

    @Override
    protected WireUnderTest wire() {
        return new DeviceWire(Map.of());
    }
}
