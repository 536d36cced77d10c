package io.kvwire.tck;

/** The reference wire passes the whole suite with all caches in memory of a device. */
class DeviceConformanceTest extends WireConformance {
    @Override
    protected WireUnderTest wire() {
        return new DeviceWire(new MemoryWire());
    }
}
