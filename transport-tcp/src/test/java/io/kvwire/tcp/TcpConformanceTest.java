package io.kvwire.tcp;

import io.kvwire.tck.WireConformance;
import io.kvwire.tck.WireUnderTest;

/** TCP passes the whole suite. */
class TcpConformanceTest extends WireConformance {
    @Override
    protected WireUnderTest wire() {
        return new TcpWire();
    }
}
