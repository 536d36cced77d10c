package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

/**
 * How much of a poller's completion queue and shared receive queue is promised to lanes. Used under
 * the lock of its poller.
 */
final class QueueRoom {
    private final int completions;
    private final int receives;
    private int completionsPromised;
    private int receivesPromised;

    QueueRoom(RdmaOptions options, DeviceLimits limits) {
        completions = Math.min(options.completions(), limits.completions());
        // Each receive takes a completion.
        receives = Math.min(limits.sharedReceives(), completions);
    }

    /** {@return the completions that the queue has to hold} */
    int completions() {
        return completions;
    }

    /** {@return the receives that the queue has to hold} */
    int receives() {
        return receives;
    }

    /** Refuses a lane that there is no room for. */
    void require(String name, int sends, int credits) {
        if (completionsPromised + sends + credits > completions
                || receivesPromised + credits > receives) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    name
                            + " has no room for another lane: its queues hold "
                            + completions
                            + " completions and "
                            + receives
                            + " receives; raise rdma.completions or rdma.threads, or lower"
                            + " rdma.sendDepth or rdma.credits");
        }
    }

    void take(int sends, int credits) {
        completionsPromised += sends + credits;
        receivesPromised += credits;
    }

    void giveBack(int sends, int credits) {
        completionsPromised -= sends + credits;
        receivesPromised -= credits;
    }
}
