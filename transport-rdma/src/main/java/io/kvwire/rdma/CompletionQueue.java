package io.kvwire.rdma;

/**
 * A completion queue and the channel that wakes whoever sleeps on it. All but {@link #wake} is
 * confined to the thread of its poller.
 */
interface CompletionQueue extends AutoCloseable {
    /**
     * Takes completions out.
     *
     * @param into receives them, from its beginning
     * @return how many
     * @throws io.kvwire.transport.TransferException when the queue is broken (overrun, say)
     */
    int poll(Completions into);

    /** Asks for an event at the next completion; completions that are there already give none. */
    void arm();

    /**
     * Sleeps until an event, a {@link #wake} or the time.
     *
     * @param nanos how long at most
     */
    void await(long nanos);

    /** Ends the present or the next {@link #await}. Any thread. */
    void wake();

    @Override
    void close();
}
