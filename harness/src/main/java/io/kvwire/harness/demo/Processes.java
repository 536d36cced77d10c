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

    @Override
    void close();
}
