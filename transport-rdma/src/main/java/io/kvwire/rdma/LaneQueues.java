package io.kvwire.rdma;

/**
 * What a lane holds at its device: room on its poller's queues, a queue pair, the window of its
 * sends and the memory windows; how they are made, drained and given back, in this order. Confined
 * to the thread of the poller once the lane is up.
 */
final class LaneQueues {
    private static final System.Logger LOG = System.getLogger("io.kvwire.rdma");

    /**
     * One work request more than the window uses, which shows that a failed queue pair is empty.
     */
    private static final int DRAIN_REQUESTS = 1;

    /** How often a device is asked for the last receive of a failed queue pair. */
    private static final long ASK_NANOS = 1_000_000;

    private final Poller poller;
    private final QueueSpec spec;
    private final long drainNanos;
    private final int number;
    private final QueuePair pair;
    private final SendWindow window;
    private final Windows windows;
    private boolean marked;
    private boolean awaitsReceives;
    private boolean receivesOver;
    private long drainUntil;

    /**
     * Makes them.
     *
     * @throws io.kvwire.transport.TransferException when there is no room, or the device refuses
     */
    LaneQueues(Rail rail, Poller poller, QueueSpec spec, RdmaOptions options) {
        this.poller = poller;
        this.spec = spec;
        drainNanos = options.drainNanos();
        number = poller.admit(spec.depth(), spec.receives());
        QueuePair made = null;
        try {
            made =
                    rail.device()
                            .queuePair(
                                    rail.pick().port(),
                                    poller.completions(),
                                    poller.receives(),
                                    spec);
            window =
                    new SendWindow(
                            rail.device(),
                            made,
                            number,
                            spec.depth() - DRAIN_REQUESTS,
                            options.messageBytes());
        } catch (RuntimeException e) {
            if (made != null) {
                made.close();
            }
            poller.dismiss(spec.depth(), spec.receives());
            throw e;
        }
        pair = made;
        windows = new Windows(rail, window, pair);
    }

    /** {@return the upper part of the ids of its work requests} */
    int number() {
        return number;
    }

    QueueSpec spec() {
        return spec;
    }

    QueuePair pair() {
        return pair;
    }

    SendWindow window() {
        return window;
    }

    Windows windows() {
        return windows;
    }

    /**
     * Brings the queue pair to error, and posts what comes back flushed behind everything else.
     *
     * @return false when that cannot be: only its end proves that nothing is in flight
     */
    boolean drain(Lane lane) {
        drainUntil = System.nanoTime() + drainNanos;
        try {
            window.post();
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.DEBUG, () -> lane + " has failed", e);
        }
        try {
            pair.error();
            window.add(QueuePair.SEND, true, 0);
            window.post();
            marked = true;
        } catch (RuntimeException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () -> lane + " cannot be drained; its queue pair is destroyed instead",
                    e);
        }
        return marked;
    }

    /**
     * A work request of the failed queue pair was reported. Once all are, the completion queue has
     * to be found empty before the queue pair is destroyed: on some devices its completions go with
     * it, and so would the receives that they stand for.
     */
    void reported(Lane lane) {
        if (marked && window.idle() && !awaitsReceives) {
            awaitsReceives = true;
            poller.whenEmpty(lane);
        }
    }

    /**
     * {@return whether the completion queue, just found empty, has nothing to report any more}
     * Whatever the device took receives for is reported before it says that it takes no more.
     */
    boolean reportedAll() {
        if (receivesOver) {
            return true;
        }
        receivesOver = !pair.mayTakeReceives();
        poller.wakeAt(System.nanoTime() + (receivesOver ? 0 : ASK_NANOS));
        return false;
    }

    /** {@return whether the queue pair has had its time to give its requests back} */
    boolean overdue(long now) {
        return now - drainUntil >= 0;
    }

    /**
     * Destroys the queue pair: the device touches nothing on its behalf any more.
     *
     * @return false when the device refuses; to be tried again when {@link #overdue}
     */
    boolean destroy(Lane lane) {
        try {
            // A device may keep a queue pair for as long as memory windows are bound to it.
            windows.close();
            pair.close();
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, lane.toString(), e);
            drainUntil = System.nanoTime() + drainNanos;
            return false;
        }
        window.close();
        return true;
    }

    /** Gives the room back. */
    void dismiss() {
        poller.dismiss(spec.depth(), spec.receives());
    }
}
