package io.kvwire.rdma;

/**
 * Whether a lane's device goes on with what was posted. One that neither ends a request nor fails
 * it, for longer than it may take by its own retries, holds memory and transfers for good: adapters
 * hang, and so do queue pairs of Soft-RoCE that have lost packets.
 *
 * <p>Only time in which the poller looked counts: after a pause of the process, completions are
 * waiting for it. Confined to the thread of the lane's {@link Poller}.
 */
final class Progress {
    /** What one look may count, though the one before was longer ago. */
    private static final long MOST_NANOS = 200_000_000;

    /** That nothing is posted. */
    private static final long NONE = -1;

    private final long limitNanos;
    private long seen = NONE;
    private boolean awaited;
    private long lookedAt;
    private long stoodNanos;

    Progress(long limitNanos) {
        this.limitNanos = limitNanos;
    }

    /**
     * Takes a look.
     *
     * @param posted whether a work request is posted of which nobody knows that it ended
     * @param awaitsReport whether the device is to report one of them
     * @param done how many it has reported as ended
     * @param now as of {@link System#nanoTime}
     * @return whether all that has stayed as it is for as long as it may; true once for each time
     */
    boolean standsStill(boolean posted, boolean awaitsReport, long done, long now) {
        long elapsed = Math.min(now - lookedAt, MOST_NANOS);
        lookedAt = now;
        if (!posted || awaitsReport != awaited || done != seen) {
            seen = posted ? done : NONE;
            awaited = awaitsReport;
            stoodNanos = 0;
            return false;
        }
        stoodNanos += elapsed;
        if (stoodNanos < limitNanos) {
            return false;
        }
        stoodNanos = 0;
        return true;
    }
}
