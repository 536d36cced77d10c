package io.kvwire.harness.weights;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Weights from a seed: the same values on every machine and in every run, without a file.
 *
 * <p>Element {@code i} of a tensor is the top 24 bits of {@code mix(key + (i + 1) *
 * 0x9E3779B97F4A7C15)}, taken as a fraction in {@code [-1, 1)} and scaled by {@code spread}, where
 * {@code mix} is the finaliser of SplitMix64 (Steele, Lea and Flood, 2014) and {@code key} is
 * {@code mix(seed + FNV-1a-64(name))}. The product is one correctly rounded float multiplication,
 * so a device can make the same weights. Vectors (the weights of norms) are all 1.
 *
 * <p>{@code spread} is {@code sqrt(3 / columns)}, which keeps the variance of activations about
 * constant from layer to layer; 1 for the embedding.
 */
public final class SeededWeights implements Weights {
    private static final long GOLDEN_GAMMA = 0x9E3779B97F4A7C15L;
    private static final long FNV_OFFSET = 0xCBF29CE484222325L;
    private static final long FNV_PRIME = 0x100000001B3L;
    private static final float ONE_STEP = 0x1p-23f;

    private final long seed;

    /**
     * Creates the weights.
     *
     * @param seed any number
     */
    public SeededWeights(long seed) {
        this.seed = seed;
    }

    @Override
    public Matrix matrix(String name, int rows, int columns) {
        long key = mix(seed + hash(name));
        float spread = name.contains("embed_tokens") ? 1f : (float) Math.sqrt(3.0 / columns);
        return (row, target) -> {
            long state = key + (long) row * columns * GOLDEN_GAMMA;
            for (int c = 0; c < columns; c++) {
                state += GOLDEN_GAMMA;
                target[c] = (mix(state) >> 40) * ONE_STEP * spread;
            }
        };
    }

    @Override
    public float[] vector(String name, int size) {
        var ones = new float[size];
        Arrays.fill(ones, 1f);
        return ones;
    }

    private static long hash(String name) {
        long hash = FNV_OFFSET;
        for (byte b : name.getBytes(StandardCharsets.UTF_8)) {
            hash = (hash ^ (b & 0xFF)) * FNV_PRIME;
        }
        return hash;
    }

    private static long mix(long z) {
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }

    @Override
    public String describe() {
        return "seed " + seed;
    }

    @Override
    public void close() {}
}
