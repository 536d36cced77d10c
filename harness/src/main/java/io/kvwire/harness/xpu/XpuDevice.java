package io.kvwire.harness.xpu;

import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.Device;
import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.kernels.DeviceLlama;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.pcie.opencl.OpenClMemory;
import io.kvwire.transport.spi.DeviceMemory;

import java.util.Optional;

/** An OpenCL device, its context and its memory. */
final class XpuDevice implements ComputeDevice {
    private final String name;
    private final Device device;
    private final String why;
    private final Context context;
    private final OpenClMemory memory;

    /** Opens a device; {@code why} is the reason for OpenCL rather than Level Zero. */
    XpuDevice(String name, Device device, String why) {
        this.name = name;
        this.device = device;
        this.why = why;
        context = Context.of(device);
        try {
            memory = new OpenClMemory(name, context);
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
        return "%s, %s, driver %s, through OpenCL: %s"
                .formatted(device, device.version(), device.driver(), why);
    }

    @Override
    public Optional<DeviceMemory> memory() {
        return Optional.of(memory);
    }

    @Override
    public LlamaRunner runner(LoadedModel model, LlamaOptions options) {
        var queue = new OpenClQueue(context, memory.buffers());
        return new DeviceLlama<>(queue, model, options.chunkTokens());
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
