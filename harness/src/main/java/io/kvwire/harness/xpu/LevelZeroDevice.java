package io.kvwire.harness.xpu;

import io.kvwire.ffi.levelzero.Context;
import io.kvwire.ffi.levelzero.Device;
import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.kernels.DeviceLlama;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.pcie.levelzero.LevelZeroMemory;
import io.kvwire.transport.spi.DeviceMemory;

import java.util.Optional;

/** A Level Zero device, its context and its memory. */
final class LevelZeroDevice implements ComputeDevice {
    private final String name;
    private final Device device;
    private final Context context;
    private final LevelZeroMemory memory;

    LevelZeroDevice(String name, Device device) {
        this.name = name;
        this.device = device;
        context = Context.of(device);
        try {
            memory = new LevelZeroMemory(name, context);
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
        return device + ", through Level Zero";
    }

    @Override
    public Optional<DeviceMemory> memory() {
        return Optional.of(memory);
    }

    @Override
    public LlamaRunner runner(LoadedModel model, LlamaOptions options) {
        var queue = new LevelZeroQueue(context, memory);
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
