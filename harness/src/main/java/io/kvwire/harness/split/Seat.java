package io.kvwire.harness.split;

import io.kvwire.harness.device.ComputeDevice;
import io.kvwire.harness.device.CpuDevice;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.model.LoadedModel;

import java.util.Objects;

/**
 * How one half of a run computes: its model, its cache, its device.
 *
 * @param model in memory
 * @param shape of the cache
 * @param cacheTokens the least number of tokens that the cache holds
 * @param options threads, chunk size, kernels
 * @param device runs the model and holds the cache; stays open until the half has closed
 */
public record Seat(
        LoadedModel model,
        CacheShape shape,
        int cacheTokens,
        LlamaOptions options,
        ComputeDevice device) {
    /** The name under which both halves register their caches. */
    static final String CACHE = "kv";

    /** Checks that nothing is missing. */
    public Seat {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(shape, "shape");
        Objects.requireNonNull(options, "options");
        Objects.requireNonNull(device, "device");
        if (cacheTokens < 1) {
            throw new IllegalArgumentException(
                    "a cache for " + cacheTokens + " tokens: need at least 1");
        }
    }

    /**
     * {@return a seat on the CPU with the default shape, all cores, and a cache for the model's
     * longest sequence}
     *
     * @param model in memory
     */
    public static Seat of(LoadedModel model) {
        return new Seat(
                model,
                CacheShape.DEFAULT,
                model.config().maxPositions(),
                LlamaOptions.defaults(),
                CpuDevice.CPU);
    }

    /**
     * {@return this seat with another shape}
     *
     * @param other shape of the cache
     */
    public Seat withShape(CacheShape other) {
        return new Seat(model, other, cacheTokens, options, device);
    }

    /**
     * {@return this seat with other options}
     *
     * @param other threads, chunk size, kernels
     */
    public Seat withOptions(LlamaOptions other) {
        return new Seat(model, shape, cacheTokens, other, device);
    }

    /**
     * {@return this seat on another device}
     *
     * @param other runs the model and holds the cache
     */
    public Seat withDevice(ComputeDevice other) {
        return new Seat(model, shape, cacheTokens, options, other);
    }

    LlamaRunner runner() {
        return device.runner(model, options);
    }

    CacheMemory memory() {
        return device.memory()
                .map(memory -> CacheMemory.allocate(memory, model.config(), shape, cacheTokens))
                .orElseGet(() -> CacheMemory.allocate(model.config(), shape, cacheTokens));
    }

    /** What the model computes on the CPU, so that seats on unlike devices can be compared. */
    String fingerprint() {
        try (var llama = model.llama(options)) {
            return ModelFingerprint.of(llama, shape);
        }
    }
}
