package io.kvwire.tck;

import io.kvwire.tck.codec.CodecTap;
import io.kvwire.tck.codec.ScrambleCodec;
import io.kvwire.tck.codec.ScrambleProvider;
import io.kvwire.transport.CodecConfig;

/** The reference wire passes the whole suite with a codec between it and a device's blocks. */
class CodedDeviceConformanceTest extends WireConformance {
    @Override
    protected WireUnderTest wire() {
        return new CodedWire(
                new DeviceWire(new MemoryWire()),
                new ScrambleProvider(new CodecTap()),
                CodecConfig.of(ScrambleCodec.NAME));
    }
}
