package io.kvwire.harness.device;

import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.transport.spi.DeviceMemory;

import java.util.Optional;

/**
 * A device that runs the model and holds its KV cache.
 *
 * <p>Owns its context and its memory: close it after the runners, after the caches in its memory,
 * and after the node that these were registered with. Thread-safe; what {@link #runner} gives is
 * not.
 *
 * {@snippet :
 * try (var device = ComputeDevices.open("xpu"); var runner = device.runner(model, options)) {
 *     int first = runner.next(prompt, 0, blocks, cache, LayerListener.NONE);
 * }
 * }
 */
public interface ComputeDevice extends AutoCloseable {
    /** {@return the device as it is asked for: {@code cpu}, {@code xpu:0}, {@code cuda:1}} */
    String name();

    /** {@return the device in its driver's words, for people} */
    String describe();

    /**
     * {@return the memory that caches of this device lie in, the same at each call and closed with
     * the device; empty for the CPU, whose caches lie in memory of the host}
     */
    Optional<DeviceMemory> memory();

    /**
     * Brings a model to the device.
     *
     * @param model in memory of the host
     * @param options chunk size; threads and kernels where the device is the CPU
     * @return runs it; the caller closes it
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#RESOURCE_EXHAUSTED} when the device has too little memory
     */
    LlamaRunner runner(LoadedModel model, LlamaOptions options);

    /** Frees the device's memory and its context. */
    @Override
    void close();
}
