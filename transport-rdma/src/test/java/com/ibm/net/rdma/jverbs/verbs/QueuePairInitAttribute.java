package com.ibm.net.rdma.jverbs.verbs;

/** What a queue pair is made of. */
public final class QueuePairInitAttribute {
    private final QueuePairLimit cap = new QueuePairLimit();
    private CompletionQueue sends;
    private CompletionQueue receives;

    public QueuePairLimit getCap() {
        return cap;
    }

    public void setQueuePairType(QueuePair.Type type) {
        if (type != QueuePair.Type.IBV_QPT_RC) {
            throw new IllegalArgumentException("type " + type);
        }
    }

    public void setSendCompletionQueue(CompletionQueue queue) {
        sends = queue;
    }

    public void setReceiveCompletionQueue(CompletionQueue queue) {
        receives = queue;
    }

    CompletionQueue sends() {
        return sends;
    }

    CompletionQueue receives() {
        return receives;
    }
}
