package com.ibm.net.rdma.jverbs.verbs;

/** Where a thread sleeps until a completion comes. */
public final class CompletionChannel {
    private final io.kvwire.ffi.verbs.CompletionChannel channel;

    CompletionChannel(io.kvwire.ffi.verbs.CompletionChannel channel) {
        this.channel = channel;
    }

    io.kvwire.ffi.verbs.CompletionChannel bound() {
        return channel;
    }

    public boolean getCQEvent(int timeoutMillis) {
        return channel.await(timeoutMillis) > 0;
    }

    /** The bindings have acknowledged them when they were taken. */
    public void ackCQEvents(CompletionQueue queue, int events) {
        if (queue == null || events < 1) {
            throw new IllegalArgumentException(events + " events");
        }
    }
}
