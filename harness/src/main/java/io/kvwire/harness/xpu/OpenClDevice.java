package io.kvwire.harness.xpu;

import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.Device;
import io.kvwire.harness.kernels.KernelDevice;
import io.kvwire.harness.kernels.KernelQueue;
import io.kvwire.pcie.opencl.OpenClMemory;

/** An OpenCL device. */
final class OpenClDevice extends KernelDevice<Context, OpenClMemory> {
    private final Device device;
    private final String why;

    /** Opens a device; {@code why} is the reason for OpenCL rather than Level Zero. */
    OpenClDevice(String name, Device device, String why) {
        super(name, Context.of(device), Context::close, OpenClMemory::new);
        this.device = device;
        this.why = why;
    }

    @Override
    public String describe() {
        return "%s, %s, driver %s, through OpenCL: %s"
                .formatted(device, device.version(), device.driver(), why);
    }

    @Override
    protected KernelQueue<?> queue(Context context, OpenClMemory memory) {
        return new OpenClQueue(context, memory.buffers());
    }
}
