package io.kvwire.rdma;

import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.Pace;

import java.util.ArrayDeque;
import java.util.Optional;

/**
 * The frames that wait for one lane, and how many bytes wait or are on their way. Frames may be
 * offered and bytes counted by any thread; all else is confined to the thread of the lane's {@link
 * Poller}.
 */
final class FrameQueue {
    private final Optional<Pace> pace;
    private final Poller poller;
    private final ArrayDeque<OutboundFrame> waiting = new ArrayDeque<>();
    private boolean down;
    private volatile long bytes;
    private OutboundFrame paced;
    private long pacedUntil;

    FrameQueue(Optional<Pace> pace, Poller poller) {
        this.pace = pace;
        this.poller = poller;
    }

    /** {@return the bytes that wait or are on their way; the most when the queue is shut} */
    long bytes() {
        return bytes;
    }

    /** {@return false when the queue is shut: the frame is still the caller's} */
    boolean offer(OutboundFrame frame) {
        synchronized (waiting) {
            if (down) {
                return false;
            }
            waiting.add(frame);
            bytes += weight(frame);
            return true;
        }
    }

    /** {@return the next frame that may go now, or null} */
    OutboundFrame next() {
        if (paced != null) {
            if (System.nanoTime() - pacedUntil < 0) {
                poller.wakeAt(pacedUntil);
                return null;
            }
            var due = paced;
            paced = null;
            return due;
        }
        OutboundFrame frame;
        synchronized (waiting) {
            frame = waiting.poll();
        }
        if (frame == null || pace.isEmpty()) {
            return frame;
        }
        paced = frame;
        pacedUntil = pace.get().due(frame.payloadBytes(), System.nanoTime());
        poller.wakeAt(pacedUntil);
        return null;
    }

    /** Gives a frame that was taken back to its owner. */
    void giveBack(OutboundFrame frame, boolean sent) {
        long weight = weight(frame);
        synchronized (waiting) {
            if (!down) {
                bytes -= weight;
            }
        }
        frame.released(sent);
    }

    /** Gives back what waits and nobody wants any more. */
    void sweep() {
        ArrayDeque<OutboundFrame> unwanted = null;
        synchronized (waiting) {
            for (var frames = waiting.iterator(); frames.hasNext(); ) {
                var frame = frames.next();
                if (!frame.wanted()) {
                    unwanted = unwanted == null ? new ArrayDeque<>() : unwanted;
                    unwanted.add(frame);
                    frames.remove();
                }
            }
        }
        if (unwanted != null) {
            unwanted.forEach(frame -> giveBack(frame, false));
        }
    }

    /** Takes no more frames. */
    void shut() {
        synchronized (waiting) {
            down = true;
            bytes = Long.MAX_VALUE;
        }
    }

    /** Gives back everything that waits; the queue was shut before. */
    void clear() {
        if (paced != null) {
            paced.released(false);
            paced = null;
        }
        for (var frame = waiting.poll(); frame != null; frame = waiting.poll()) {
            frame.released(false);
        }
    }

    private static long weight(OutboundFrame frame) {
        return frame.payloadBytes() + LaneMessage.PREFIX_BYTES;
    }
}
