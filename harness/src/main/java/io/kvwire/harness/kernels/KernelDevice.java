package io.kvwire.harness.kernels;

import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.model.LoadedModel;
import io.kvwire.transport.spi.DeviceMemory;

import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/**
 * A device that runs the kernels of {@code llama.h}: a context of its driver, and memory in there.
 * Owns both. Thread-safe.
 *
 * @param <C> the driver's contexts
 * @param <M> the memory
 */
public abstract class KernelDevice<C, M extends DeviceMemory> implements ComputeDevice {
    private final String name;
    private final C context;
    private final Consumer<? super C> closer;
    private final M memory;

    /**
     * Opens the memory.
     *
     * @param name of the device, for people
     * @param context of the device; closed with this, and also when this fails
     * @param closer closes the context
     * @param opener opens memory, by the device's name and the context
     */
    protected KernelDevice(
            String name,
            C context,
            Consumer<? super C> closer,
            BiFunction<String, ? super C, M> opener) {
        this.name = name;
        this.context = context;
        this.closer = closer;
        try {
            memory = opener.apply(name, context);
        } catch (RuntimeException | Error e) {
            closer.accept(context);
            throw e;
        }
    }

    /**
     * {@return a new queue, which the caller closes}
     *
     * @param context of the device
     * @param memory that KV caches are in
     */
    protected abstract KernelQueue<?> queue(C context, M memory);

    @Override
    public final String name() {
        return name;
    }

    @Override
    public final Optional<DeviceMemory> memory() {
        return Optional.of(memory);
    }

    @Override
    public final LlamaRunner runner(LoadedModel model, LlamaOptions options) {
        return new DeviceLlama<>(queue(context, memory), model, options.chunkTokens());
    }

    @Override
    public final void close() {
        try {
            memory.close();
        } finally {
            closer.accept(context);
        }
    }
}
