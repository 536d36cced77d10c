package io.kvwire.harness.model;

import io.kvwire.harness.math.Kernels;

import java.util.Objects;

/**
 * How to run a model. None of it changes a bit of the result.
 *
 * @param threads threads that compute, the caller's included
 * @param chunkTokens prompt tokens that go through all layers together; more need more memory
 *     (about {@code 8 * (hidden + intermediate)} floats each) and load each weight less often
 * @param kernels the arithmetic
 */
public record LlamaOptions(int threads, int chunkTokens, Kernels kernels) {
    private static final int MAX_THREADS = 1_024;
    private static final int DEFAULT_CHUNK_TOKENS = 256;

    /**
     * Checks the values.
     *
     * @throws IllegalArgumentException if a number is out of range
     */
    public LlamaOptions {
        Objects.requireNonNull(kernels, "kernels");
        if (threads < 1 || threads > MAX_THREADS) {
            throw new IllegalArgumentException(
                    threads + " threads; 1 to " + MAX_THREADS + " are possible");
        }
        if (chunkTokens < 1) {
            throw new IllegalArgumentException(
                    "chunks of " + chunkTokens + " tokens; at least 1 is needed");
        }
    }

    /** {@return all cores, chunks of 256 tokens, and the best kernels this JVM can run} */
    public static LlamaOptions defaults() {
        int cores = Math.min(Runtime.getRuntime().availableProcessors(), MAX_THREADS);
        return new LlamaOptions(cores, DEFAULT_CHUNK_TOKENS, KernelChoice.best());
    }

    /**
     * {@return these options with another number of threads}
     *
     * @param threads threads that compute, the caller's included
     */
    public LlamaOptions withThreads(int threads) {
        return new LlamaOptions(threads, chunkTokens, kernels);
    }

    /**
     * {@return these options with another chunk size}
     *
     * @param chunkTokens prompt tokens that go through all layers together
     */
    public LlamaOptions withChunkTokens(int chunkTokens) {
        return new LlamaOptions(threads, chunkTokens, kernels);
    }

    /**
     * {@return these options with other kernels}
     *
     * @param kernels the arithmetic
     */
    public LlamaOptions withKernels(Kernels kernels) {
        return new LlamaOptions(threads, chunkTokens, kernels);
    }
}
