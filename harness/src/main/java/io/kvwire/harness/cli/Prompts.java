package io.kvwire.harness.cli;

import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.model.SamplePrompt;
import io.kvwire.harness.weights.ModelException;

import java.util.Comparator;
import java.util.Optional;

/** Turns what the user gave, or nothing, into token ids. */
final class Prompts {
    private static final long SEED = 7;

    private Prompts() {}

    /**
     * {@return the prompt's tokens}
     *
     * @param model to run them
     * @param given the user's text; without one, a sample of the trained model's manner, or tokens
     *     from a seed for a model without a tokenizer
     * @param most the most tokens that leave room for the continuation
     */
    static int[] tokens(LoadedModel model, Optional<String> given, int most) {
        if (most < 1) {
            throw new ModelException(
                    "no room for a prompt: the model has "
                            + model.config().maxPositions()
                            + " positions; lower --max-tokens");
        }
        if (model.tokenizer().isEmpty()) {
            if (given.isPresent()) {
                throw new ModelException(
                        "the model "
                                + model.name()
                                + " has no tokenizer, so it cannot read a prompt; leave --prompt"
                                + " away or take --model trained");
            }
            return model.syntheticPrompt(most, SEED);
        }
        var tokenizer = model.tokenizer().get();
        if (given.isPresent()) {
            return tokenizer.encode(given.get());
        }
        return SamplePrompt.all().stream()
                .sorted(Comparator.comparingInt(SamplePrompt::tokens).reversed())
                .map(sample -> tokenizer.encode(sample.text()))
                .filter(tokens -> tokens.length <= most)
                .findFirst()
                .orElseThrow(
                        () -> new ModelException("no sample prompt fits; give one with --prompt"));
    }
}
