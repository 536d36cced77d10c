package io.kvwire.tck;

/** The reference wire passes the whole suite. */
class MemoryConformanceTest extends WireConformance {
    @Override
    protected WireUnderTest wire() {
        return new MemoryWire();
    }
}
