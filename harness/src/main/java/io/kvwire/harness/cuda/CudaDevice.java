package io.kvwire.harness.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.CudaLibrary;
import io.kvwire.ffi.cuda.Device;
import io.kvwire.harness.kernels.KernelDevice;
import io.kvwire.harness.kernels.KernelQueue;
import io.kvwire.pcie.cuda.CudaMemory;

/** A GPU of NVIDIA. */
final class CudaDevice extends KernelDevice<Context, CudaMemory> {
    private final Device device;

    CudaDevice(String name, Device device) {
        super(name, Context.of(device), Context::close, CudaMemory::new);
        this.device = device;
    }

    @Override
    public String describe() {
        return device.name()
                + ", compute capability "
                + device.computeCapability() / 10.0
                + ", "
                + (device.memoryBytes() >> 20)
                + " MiB, driver of CUDA "
                + CudaLibrary.version() / 1000
                + "."
                + CudaLibrary.version() % 1000 / 10;
    }

    @Override
    protected KernelQueue<?> queue(Context context, CudaMemory memory) {
        return new CudaQueue(context);
    }
}
