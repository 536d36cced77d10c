package io.kvwire.harness.model;

import io.kvwire.harness.tokenizer.TextTokenizer;

import java.util.Objects;
import java.util.Optional;
import java.util.Random;

/**
 * A model in memory, ready to run. Immutable and safe to share; {@link #llama} makes something that
 * runs it.
 *
 * @param name what it was loaded from, for people
 * @param config its sizes
 * @param weights its weights
 * @param tokenizer its tokenizer; models from a seed have none
 */
public record LoadedModel(
        String name, LlamaConfig config, LlamaWeights weights, Optional<TextTokenizer> tokenizer) {

    /** Checks that nothing is missing. */
    public LoadedModel {
        Objects.requireNonNull(name, "name");
        Objects.requireNonNull(config, "config");
        Objects.requireNonNull(weights, "weights");
        Objects.requireNonNull(tokenizer, "tokenizer");
    }

    /**
     * {@return the model, ready to run; close it to end its threads}
     *
     * @param options how to run it
     */
    public Llama llama(LlamaOptions options) {
        return Llama.create(config, weights, options);
    }

    /**
     * {@return token ids that look random but are the same everywhere, for models without a
     * tokenizer}
     *
     * @param tokens how many
     * @param seed any number
     */
    public int[] syntheticPrompt(int tokens, long seed) {
        // The algorithm of Random.nextInt is part of its specification; that of ints is not.
        var random = new Random(seed);
        var ids = new int[tokens];
        for (int i = 0; i < tokens; i++) {
            ids[i] = random.nextInt(config.vocabSize());
        }
        return ids;
    }
}
