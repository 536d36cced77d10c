package io.kvwire.harness.split;

import io.kvwire.harness.model.Llama;
import io.kvwire.harness.model.LlamaOptions;
import io.kvwire.harness.model.LoadedModel;

import java.util.Objects;

/**
 * How one half of a run computes: its model, its cache, its threads.
 *
 * @param model in memory
 * @param shape of the cache
 * @param cacheTokens the least number of tokens that the cache holds
 * @param options threads, chunk size, kernels
 */
public record Seat(LoadedModel model, CacheShape shape, int cacheTokens, LlamaOptions options) {
    /** The name under which both halves register their caches. */
    static final String CACHE = "kv";

    /** Checks that nothing is missing. */
    public Seat {
        Objects.requireNonNull(model, "model");
        Objects.requireNonNull(shape, "shape");
        Objects.requireNonNull(options, "options");
        if (cacheTokens < 1) {
            throw new IllegalArgumentException(
                    "a cache for " + cacheTokens + " tokens: need at least 1");
        }
    }

    /**
     * {@return a seat with the default shape, all cores, and a cache for the model's longest
     * sequence}
     *
     * @param model in memory
     */
    public static Seat of(LoadedModel model) {
        return new Seat(
                model, CacheShape.DEFAULT, model.config().maxPositions(), LlamaOptions.defaults());
    }

    /**
     * {@return this seat with another shape}
     *
     * @param other shape of the cache
     */
    public Seat withShape(CacheShape other) {
        return new Seat(model, other, cacheTokens, options);
    }

    /**
     * {@return this seat with other options}
     *
     * @param other threads, chunk size, kernels
     */
    public Seat withOptions(LlamaOptions other) {
        return new Seat(model, shape, cacheTokens, other);
    }

    Llama llama() {
        return model.llama(options);
    }

    CacheMemory memory() {
        return CacheMemory.allocate(model.config(), shape, cacheTokens);
    }
}
