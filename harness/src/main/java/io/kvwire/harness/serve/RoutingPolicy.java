package io.kvwire.harness.serve;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Who prefills and who decodes: the decision of llm-d's kind. The least loaded decoder takes the
 * request; when more than a threshold of its prompt is not in that decoder's cache yet, the least
 * loaded prefiller computes the prompt.
 *
 * @param prefillers those that compute prompts for others; empty when every worker does both
 * @param decoders those that continue them
 * @param threshold prompts with at most so many new tokens stay on one worker
 */
record RoutingPolicy(List<Worker> prefillers, List<Worker> decoders, int threshold) {
    /** By what waits and runs, then by how full the cache is. */
    static final Comparator<Worker> LOAD =
            Comparator.comparingInt(Worker::outstanding).thenComparingDouble(Worker::kvUse);

    RoutingPolicy {
        prefillers = List.copyOf(prefillers);
        decoders = List.copyOf(decoders);
    }

    /**
     * @param decoder continues
     * @param prefiller computes the prompt, if not the decoder
     */
    record Choice(Worker decoder, Optional<Worker> prefiller) {}

    Choice choose(List<Integer> prompt) {
        var decoder = decoders.stream().min(LOAD).orElseThrow();
        boolean alone = stays(prompt.size(), decoder.cachedTokens(prompt), threshold);
        return new Choice(decoder, alone ? Optional.empty() : prefillers.stream().min(LOAD));
    }

    /** {@return whether a prompt is short or known enough to be computed where it is continued} */
    static boolean stays(int promptTokens, int cachedTokens, int threshold) {
        return promptTokens - cachedTokens <= threshold;
    }
}
