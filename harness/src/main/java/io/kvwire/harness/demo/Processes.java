package io.kvwire.harness.demo;

import io.kvwire.harness.split.SplitRun;
import io.kvwire.harness.weights.ModelException;
import io.kvwire.transport.TransferException;

import java.util.List;

/** Runs single steps, each in the processes that it needs. */
interface Processes extends AutoCloseable {
    /**
     * Runs a step once.
     *
     * @param step what to run
     * @param prompt token ids
     * @param maxTokens the most tokens to make
     * @return tokens and times
     * @throws TransferException when it cannot be run
     * @throws ModelException when it does not fit
     */
    SplitRun run(Step step, List<Integer> prompt, int maxTokens);

    /**
     * Hands the cache of a prompt over once more, without computing it where it is still there.
     *
     * @param step how
     * @param prompt token ids
     * @return one token, and times
     * @throws TransferException when it cannot be handed over
     */
    SplitRun handOver(Step step, List<Integer> prompt);

    @Override
    void close();
}
