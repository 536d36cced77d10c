package io.kvwire.transport.core;

import io.kvwire.transport.TransferTrace;
import io.kvwire.transport.TransferTrace.Interval;
import io.kvwire.transport.TransferTrace.Stage;

import java.util.ArrayList;
import java.util.List;

/** Records the stages of frames, up to a bound. Thread-safe. */
final class TraceLog {
    private final List<Interval> intervals = new ArrayList<>();
    private long omitted;

    synchronized void add(Stage stage, FrameHeader frame, long start, long end, long bytes) {
        if (intervals.size() == TransferTrace.MAX_INTERVALS) {
            omitted++;
            return;
        }
        intervals.add(
                new Interval(
                        stage, frame.layer, frame.firstToken, frame.tokens, start, end, bytes));
    }

    synchronized TransferTrace snapshot() {
        return new TransferTrace(intervals, omitted);
    }
}
