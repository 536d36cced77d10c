package io.kvwire.ffi.verbs;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Tag;

/** The same as {@link RealDeviceTest} with requests and completions that go through DiSNI. */
@Tag("rdma")
class DisniDeviceTest extends RealDeviceTest {

    @Override
    Context open(Device device) {
        assumeTrue(Disni.isPresent(), Disni::reason);
        return Disni.open(device);
    }

    @Override
    boolean tellsWhatWasTaken() {
        return false;
    }
}
