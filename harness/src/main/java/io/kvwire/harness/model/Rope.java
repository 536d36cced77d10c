package io.kvwire.harness.model;

import io.kvwire.harness.weights.ModelException;

/**
 * The frequencies of a rotary position embedding: Su and others, "RoFormer" (2021), in the
 * half-split convention of Hugging Face, where element {@code i} of a head turns with element
 * {@code i + headDim / 2} by {@code position * frequency(i)}.
 */
public sealed interface Rope {

    /** {@return the base of the frequencies} */
    double theta();

    /**
     * {@return the frequencies, in radians per position, {@code headDim / 2} of them}
     *
     * @param headDim elements of one head
     */
    default double[] frequencies(int headDim) {
        var frequencies = new double[headDim / 2];
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] = scale(StrictMath.pow(theta(), -2.0 * i / headDim));
        }
        return frequencies;
    }

    /**
     * {@return the frequency after scaling}
     *
     * @param frequency the plain one, in radians per position
     */
    double scale(double frequency);

    /**
     * {@return the embedding without scaling}
     *
     * @param theta the base of the frequencies
     */
    static Rope plain(double theta) {
        return new Plain(theta);
    }

    private static void check(boolean condition, String problem) {
        if (!condition) {
            throw new ModelException("model configuration: " + problem + "; correct config.json");
        }
    }

    /**
     * Frequencies as they are.
     *
     * @param theta the base
     */
    record Plain(double theta) implements Rope {
        /** Checks the base. */
        public Plain {
            check(theta > 1 && theta < 1e12, "rope_theta " + theta + " is not above 1");
        }

        @Override
        public double scale(double frequency) {
            return frequency;
        }
    }

    /**
     * All positions squeezed by one factor ({@code rope_type} {@code linear}).
     *
     * @param theta the base
     * @param factor how much longer the context became
     */
    record Linear(double theta, double factor) implements Rope {
        /** Checks base and factor. */
        public Linear {
            check(theta > 1 && theta < 1e12, "rope_theta " + theta + " is not above 1");
            check(factor >= 1, "rope factor " + factor + " is below 1");
        }

        @Override
        public double scale(double frequency) {
            return frequency / factor;
        }
    }

    /**
     * The scaling of Llama 3.1 ({@code rope_type} {@code llama3}): long waves are slowed by the
     * factor, short ones are kept, those between are blended.
     *
     * @param theta the base
     * @param factor how much longer the context became
     * @param lowFactor waves longer than {@code originalPositions / lowFactor} are slowed
     * @param highFactor waves shorter than {@code originalPositions / highFactor} are kept
     * @param originalPositions the context the model was first trained with, in tokens
     */
    record Llama3(
            double theta, double factor, double lowFactor, double highFactor, int originalPositions)
            implements Rope {
        /** Checks the constants. */
        public Llama3 {
            check(theta > 1 && theta < 1e12, "rope_theta " + theta + " is not above 1");
            check(factor >= 1, "rope factor " + factor + " is below 1");
            check(
                    lowFactor > 0 && highFactor > lowFactor,
                    "rope low_freq_factor "
                            + lowFactor
                            + " and high_freq_factor "
                            + highFactor
                            + " are not in ascending order");
            check(
                    originalPositions > 0,
                    "rope original_max_position_embeddings " + originalPositions + " is below 1");
        }

        @Override
        public double scale(double frequency) {
            double waves = originalPositions * frequency / (2 * Math.PI);
            double kept = (waves - lowFactor) / (highFactor - lowFactor);
            kept = Math.clamp(kept, 0.0, 1.0);
            return (1 - kept) * frequency / factor + kept * frequency;
        }
    }
}
