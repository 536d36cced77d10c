package io.kvwire.harness.serve;

import java.util.List;
import java.util.Objects;

/**
 * What the router tells a worker: continue this prompt.
 *
 * @param id of the request, unique in the run
 * @param prompt token ids
 * @param maxTokens how many to make
 * @param prefill address of the worker that computes the prompt; empty to do it here
 */
record ServeOrder(long id, List<Integer> prompt, int maxTokens, String prefill) {
    ServeOrder {
        prompt = List.copyOf(prompt);
        Objects.requireNonNull(prefill, "prefill");
    }
}
