package io.kvwire.rdma;

/**
 * Chooses the lane that will be done first, by what waits on each and how fast each has been: lanes
 * over a slower rail get less.
 */
final class Striping {
    /** Weight of a new measurement of a lane's rate. */
    private static final double NEWEST = 1.0 / 8;

    private Striping() {}

    /** {@return the lane that will be done first with a frame, or -1 when none is up} */
    static int choose(Lane[] lanes, long bytes) {
        double typical = typicalRate(lanes);
        int best = -1;
        double soonest = Double.POSITIVE_INFINITY;
        for (int i = 0; i < lanes.length; i++) {
            long queued = lanes[i].queuedBytes();
            double done = finish(queued, bytes, lanes[i].bytesPerNano(), typical);
            if (queued != Long.MAX_VALUE && done < soonest) {
                soonest = done;
                best = i;
            }
        }
        return best;
    }

    private static double typicalRate(Lane[] lanes) {
        double fastest = 0;
        for (var lane : lanes) {
            fastest = Math.max(fastest, lane.bytesPerNano());
        }
        return fastest > 0 ? fastest : 1;
    }

    /** When a lane would be done; one that was never measured counts as fast as the fastest. */
    static double finish(long queuedBytes, long bytes, double bytesPerNano, double typical) {
        return ((double) queuedBytes + bytes) / (bytesPerNano > 0 ? bytesPerNano : typical);
    }

    /** {@return a lane's rate after one more measurement} */
    static double measured(double before, long bytes, long nanos) {
        double now = bytes / (double) Math.max(1, nanos);
        return before > 0 ? before + (now - before) * NEWEST : now;
    }
}
