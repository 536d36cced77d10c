package io.kvwire.harness.quality;

import io.kvwire.harness.model.GreedyDecoding;
import io.kvwire.harness.model.LayerListener;
import io.kvwire.harness.model.Llama;
import io.kvwire.harness.split.CacheMemory;
import io.kvwire.harness.split.CacheShape;

import java.util.List;
import java.util.stream.IntStream;

/** Continues prompts from a cache and from what a codec makes of it. */
final class GreedyRun {
    private final Llama llama;
    private final CacheShape shape;
    private final int maxTokens;

    GreedyRun(Llama llama, CacheShape shape, int maxTokens) {
        this.llama = llama;
        this.shape = shape;
        this.maxTokens = maxTokens;
    }

    Greedy run(CodecChoice choice, List<int[]> prompts) {
        var copy = new FrameCopy(choice);
        int alike = 0;
        int tokens = 0;
        int same = 0;
        for (var prompt : prompts) {
            int size = prompt.length + maxTokens;
            try (var here = CacheMemory.allocate(llama.config(), shape, size);
                    var there = CacheMemory.allocate(llama.config(), shape, size)) {
                int[] blocks = IntStream.range(0, here.blocks()).toArray();
                var logits = llama.prefill(prompt, 0, blocks, here.paged(), LayerListener.NONE);
                copy.copy(here, there, blocks, prompt.length);
                int first = Llama.greedy(logits);
                int[] expected = decode(here, blocks, first, prompt.length);
                int[] actual = decode(there, blocks, first, prompt.length);
                int equal = 0;
                for (int i = 0; i < Math.min(expected.length, actual.length); i++) {
                    equal += expected[i] == actual[i] ? 1 : 0;
                }
                int longest = Math.max(expected.length, actual.length);
                alike += equal == longest ? 1 : 0;
                same += equal;
                tokens += longest;
            }
        }
        return new Greedy(choice.codec(), choice.options(), prompts.size(), alike, tokens, same);
    }

    private int[] decode(CacheMemory memory, int[] blocks, int first, int position) {
        return new GreedyDecoding(llama, blocks, memory.paged())
                .run(first, position, maxTokens, token -> {});
    }
}
