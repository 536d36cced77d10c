package io.kvwire.harness.split;

import io.kvwire.harness.model.GreedyDecoding;
import io.kvwire.harness.model.LayerListener;
import io.kvwire.harness.model.LlamaRunner;
import io.kvwire.harness.timeline.Span;
import io.kvwire.harness.timeline.Timeline;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/**
 * Prefill and decode in one process over one cache: what every split run must equal, token for
 * token. Confined to one thread; owns its cache and its model's threads.
 */
public final class SingleProcess implements AutoCloseable {
    private final CacheMemory memory;
    private final LlamaRunner llama;
    private final int[] blocks;

    /**
     * Prepares to run.
     *
     * @param seat model, cache, threads
     */
    public SingleProcess(Seat seat) {
        memory = seat.memory();
        llama = seat.runner();
        blocks = IntStream.range(0, memory.blocks()).toArray();
    }

    /**
     * Runs a prompt and continues it.
     *
     * @param prompt token ids, at least one
     * @param maxTokens the most tokens to make
     * @param onToken learns of each token as soon as it is known
     * @return tokens and times; no bytes, no transfer
     */
    public SplitRun run(int[] prompt, int maxTokens, IntConsumer onToken) {
        long start = System.nanoTime();
        int first = llama.next(prompt, 0, blocks, memory.paged(), LayerListener.NONE);
        long known = System.nanoTime();
        int[] tokens =
                new GreedyDecoding(llama, blocks, memory.paged())
                        .run(first, prompt.length, maxTokens, onToken);
        long end = System.nanoTime();
        return new SplitRun(
                Arrays.stream(tokens).boxed().toList(),
                known - start,
                end - known,
                known - start,
                0,
                0,
                0,
                Choices.NONE,
                new Timeline(
                        List.of(),
                        new Span(0, known - start, known - start),
                        known - start,
                        end - start,
                        0));
    }

    @Override
    public void close() {
        llama.close();
        memory.close();
    }
}
