package io.kvwire.pcie.opencl;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.OpenClLibrary;
import io.kvwire.pcie.DeviceMemoryContract;
import io.kvwire.transport.spi.DeviceMemory;

class OpenClMemoryTest extends DeviceMemoryContract {
    private Context context;

    @Override
    protected String name() {
        return "xpu:0";
    }

    @Override
    protected DeviceMemory openMemory() {
        assumeTrue(OpenClLibrary.isPresent(), OpenClLibrary::reason);
        var devices = OpenClLibrary.devices();
        assumeTrue(!devices.isEmpty(), "no OpenCL device: install pocl-opencl-icd");
        context = Context.of(devices.getFirst());
        return new OpenClMemory(name(), context);
    }

    @Override
    protected void closeDevice() {
        if (context != null) {
            context.close();
        }
    }
}
