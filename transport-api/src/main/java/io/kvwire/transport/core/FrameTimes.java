package io.kvwire.transport.core;

import io.kvwire.transport.TransferTrace.Stage;

/**
 * When a frame on its way out passed its stages, for the trace of its transfer, if it keeps one,
 * and for the rate of the link. Reused; confined to one thread at a time.
 */
final class FrameTimes {
    private final PooledFrame frame;
    private long readyNanos;
    private long givenNanos;
    private boolean measured;

    FrameTimes(PooledFrame frame) {
        this.frame = frame;
    }

    /** Begins with a frame that is not cut yet. */
    void start() {
        givenNanos = 0;
        measured = false;
    }

    /** Notes since when its bytes were ready. */
    void ready(long nanos) {
        readyNanos = nanos;
    }

    /** Notes when it was cut. */
    void cut(long now) {
        if (frame.rawBytes() > 0 && frame.fields.ofBlocks()) {
            add(Stage.QUEUE, readyNanos, now, frame.rawBytes());
        }
    }

    /** Notes how long its payload was made ready for the wire, out of so many bytes. */
    void prepared(long from, long to, long bytes) {
        add(Stage.ENCODE, from, to, bytes);
    }

    /** Notes when it was given to the wire; called for frames that are traced or measured. */
    void given(long now, boolean measure, LinkRate rate) {
        givenNanos = now;
        measured = measure;
        if (measure) {
            rate.given(now);
        }
    }

    /** Notes that the wire is done with it. */
    void released(boolean sent, LinkRate rate) {
        if (givenNanos == 0) {
            return;
        }
        long now = System.nanoTime();
        if (measured) {
            rate.released(sent ? frame.payloadBytes() : 0, now);
        }
        if (sent && frame.fields.ofBlocks()) {
            add(Stage.WIRE, givenNanos, now, frame.payloadBytes());
        }
    }

    private void add(Stage stage, long from, long to, long bytes) {
        var trace = frame.sender().trace;
        if (trace != null) {
            trace.add(stage, frame.fields, from, to, bytes);
        }
    }
}
