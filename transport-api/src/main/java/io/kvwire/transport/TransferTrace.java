package io.kvwire.transport;

import java.util.List;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What one end of a transfer did when: one interval for each frame and stage, in the order in which
 * they ended. A plain value.
 *
 * @param intervals recorded, at most {@link #MAX_INTERVALS}
 * @param omitted intervals beyond those
 */
public record TransferTrace(List<Interval> intervals, long omitted) {
    /** The most intervals that one end of a transfer records. */
    public static final int MAX_INTERVALS = 1 << 16;

    /** Nothing was recorded. */
    public static final TransferTrace NONE = new TransferTrace(List.of(), 0);

    /** Copies the list. */
    public TransferTrace {
        intervals = List.copyOf(intervals);
    }

    /** What happens to a frame. */
    public enum Stage {
        /** At the source: from being ready until it was cut. */
        QUEUE,
        /** At the source: gathering, or encoding. */
        ENCODE,
        /**
         * At the source: from being given to the wire until the wire gave it back. At the target:
         * from its header to its last byte.
         */
        WIRE,
        /** At the target: decoding, once a thread was free for it. */
        DECODE,
        /** At the target: copying what could not be received in place. */
        SCATTER
    }

    /**
     * One frame in one stage. Times are of {@link System#nanoTime()} of this process; processes on
     * one Linux host share its clock.
     *
     * @param stage of the frame
     * @param layer from 0
     * @param firstToken in the request
     * @param tokens how many
     * @param startNanos when the stage began
     * @param endNanos when it ended
     * @param bytes on the wire for {@link Stage#WIRE}, else before encoding
     */
    public record Interval(
            Stage stage,
            int layer,
            int firstToken,
            int tokens,
            long startNanos,
            long endNanos,
            long bytes) {}

    /**
     * {@return the intervals of one stage}
     *
     * @param stage which
     */
    public List<Interval> of(Stage stage) {
        return intervals.stream().filter(interval -> interval.stage == stage).toList();
    }

    /**
     * {@return from the first beginning to the last end of each layer in one stage: a list of as
     * many intervals as there are layers in it, by layer}
     *
     * @param stage which
     */
    public List<Interval> byLayer(Stage stage) {
        return of(stage).stream()
                .collect(
                        Collectors.toMap(
                                Interval::layer,
                                interval -> interval,
                                TransferTrace::span,
                                TreeMap::new))
                .values()
                .stream()
                .toList();
    }

    private static Interval span(Interval a, Interval b) {
        int first = Math.min(a.firstToken, b.firstToken);
        int end = Math.max(a.firstToken + a.tokens, b.firstToken + b.tokens);
        return new Interval(
                a.stage,
                a.layer,
                first,
                end - first,
                Math.min(a.startNanos, b.startNanos),
                Math.max(a.endNanos, b.endNanos),
                a.bytes + b.bytes);
    }
}
