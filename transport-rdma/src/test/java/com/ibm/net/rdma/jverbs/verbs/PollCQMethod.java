package com.ibm.net.rdma.jverbs.verbs;

import java.util.concurrent.atomic.AtomicInteger;

/** Takes completions out of a queue. */
public final class PollCQMethod extends StatefulVerbsMethod<PollCQMethod> {
    private final AtomicInteger polls;

    PollCQMethod(AtomicInteger polls, Step step) {
        super(step);
        this.polls = polls;
    }

    public int getPolls() {
        return polls.get();
    }
}
