package io.kvwire.harness.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.CudaLibrary;
import io.kvwire.ffi.cuda.Device;
import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.kernels.DeviceLlama;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.pcie.cuda.CudaMemory;
import io.kvwire.transport.spi.DeviceMemory;

import java.util.Optional;

/** A GPU of NVIDIA, its context and its memory. */
final class CudaDevice implements ComputeDevice {
    private final String name;
    private final Device device;
    private final Context context;
    private final CudaMemory memory;

    CudaDevice(String name, Device device) {
        this.name = name;
        this.device = device;
        context = Context.of(device);
        try {
            memory = new CudaMemory(name, context);
        } catch (RuntimeException | Error e) {
            context.close();
            throw e;
        }
    }

    @Override
    public String name() {
        return name;
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
    public Optional<DeviceMemory> memory() {
        return Optional.of(memory);
    }

    @Override
    public LlamaRunner runner(LoadedModel model, LlamaOptions options) {
        return new DeviceLlama<>(new CudaQueue(context), model, options.chunkTokens());
    }

    @Override
    public void close() {
        try {
            memory.close();
        } finally {
            context.close();
        }
    }
}
