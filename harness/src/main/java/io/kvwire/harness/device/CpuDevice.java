package io.kvwire.harness.device;

import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.transport.spi.DeviceMemory;

import java.util.Optional;

/** The processor that this program runs on. Owns nothing. */
public final class CpuDevice implements ComputeDevice {
    /** The only one. */
    public static final CpuDevice CPU = new CpuDevice();

    private CpuDevice() {}

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public String describe() {
        return Runtime.getRuntime().availableProcessors() + " cores";
    }

    @Override
    public Optional<DeviceMemory> memory() {
        return Optional.empty();
    }

    @Override
    public LlamaRunner runner(LoadedModel model, LlamaOptions options) {
        return model.llama(options);
    }

    @Override
    public void close() {
        // There is nothing to give back.
    }
}
