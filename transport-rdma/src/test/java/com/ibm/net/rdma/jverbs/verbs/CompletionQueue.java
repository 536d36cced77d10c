package com.ibm.net.rdma.jverbs.verbs;

import io.kvwire.ffi.verbs.Completions;

import java.lang.foreign.Arena;
import java.util.concurrent.atomic.AtomicInteger;

/** A queue of completions. */
public final class CompletionQueue {
    private final io.kvwire.ffi.verbs.CompletionQueue queue;

    CompletionQueue(io.kvwire.ffi.verbs.CompletionQueue queue) {
        this.queue = queue;
    }

    io.kvwire.ffi.verbs.CompletionQueue bound() {
        return queue;
    }

    public PollCQMethod pollCQ(WorkCompletion[] completions, int most) {
        var polls = new AtomicInteger();
        var polled = Completions.allocate(Arena.ofAuto(), most);
        return new PollCQMethod(
                polls,
                () -> {
                    int count = VerbsContext.attempt(() -> queue.poll(polled));
                    for (int i = 0; i < count; i++) {
                        completions[i].set(polled.id(i), polled.status(i), polled.bytes(i));
                    }
                    polls.set(count);
                });
    }

    public RequestNotifyCQMethod requestNotifyCQ(boolean solicitedOnly) {
        return new RequestNotifyCQMethod(() ->
                VerbsContext.attempt(() -> {
                    queue.requestNotification(solicitedOnly);
                    return queue;
                }));
    }
}
