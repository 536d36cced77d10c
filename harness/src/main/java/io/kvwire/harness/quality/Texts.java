package io.kvwire.harness.quality;

import io.kvwire.harness.model.LoadedModel;
import io.kvwire.harness.model.SamplePrompt;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/** Texts that the trained model has not seen, as tokens of the model at hand. */
final class Texts {
    private Texts() {}

    /** {@return so many texts, the longest first, each cut to {@code most} tokens} */
    static List<int[]> longest(LoadedModel model, int count, int most) {
        var texts = new ArrayList<int[]>();
        if (model.tokenizer().isEmpty()) {
            for (int i = 0; i < count; i++) {
                texts.add(model.syntheticPrompt(most, i));
            }
            return texts;
        }
        var tokenizer = model.tokenizer().get();
        SamplePrompt.all().stream()
                .sorted(Comparator.comparingInt(SamplePrompt::tokens).reversed())
                .limit(count)
                .forEach(sample -> texts.add(cut(tokenizer.encode(sample.text()), most)));
        // There are fewer than fifty; the longest without their last quarter are others.
        for (int i = 0; texts.size() < count; i++) {
            texts.add(cut(texts.get(i), texts.get(i).length * 3 / 4));
        }
        return texts;
    }

    private static int[] cut(int[] tokens, int most) {
        return Arrays.copyOf(tokens, Math.min(tokens.length, most));
    }
}
