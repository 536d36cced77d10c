package io.kvwire.transport.core;

import io.kvwire.transport.TransferException;

/** The receiving side of one transfer: a WRITE at its responder, a READ at its initiator. */
interface Arrivals {
    /** Whether its bytes are no longer wanted. */
    boolean ended();

    /** Marks a frame as arriving; false when it has been before. */
    boolean first(int frameIndex);

    /** Counts one more frame that touches the target; false when the transfer has ended. */
    boolean hold();

    void drop();

    /** Counts a frame whose bytes are in place. */
    void placed(ArrivingFrame frame, long scatterNanos);

    /** Records when frames arrived; null without a trace. */
    TraceLog traceLog();

    /** The transfer cannot complete: tells both sides. */
    void refuse(TransferException reason);
}
