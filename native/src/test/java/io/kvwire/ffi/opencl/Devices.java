package io.kvwire.ffi.opencl;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** The OpenCL device that tests use; skipped, saying so, where there is none. */
final class Devices {

    private Devices() {}

    static Device any() {
        assumeTrue(OpenClLibrary.isPresent(), OpenClLibrary::reason);
        var devices = OpenClLibrary.devices();
        assumeTrue(
                !devices.isEmpty(), "no OpenCL device: install a driver, such as pocl-opencl-icd");
        return devices.getFirst();
    }
}
