package io.kvwire.pcie;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.Pace;

import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * What other threads give a lane: frames, tasks, a reason to fail; and how they wake it. What says
 * so is for the thread of the lane alone.
 */
final class LaneQueue {
    private final LaneParts parts;
    private final Optional<Pace> pace;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
    private final ArrayDeque<OutboundFrame> frames = new ArrayDeque<>();
    private volatile boolean down;
    private volatile long queuedBytes;
    private volatile boolean sleeping;
    private volatile TransferException failure;

    // Of the thread of the lane: a frame that may not go before its time.
    private OutboundFrame paced;
    private long pacedUntil;

    LaneQueue(LaneParts parts, Optional<Pace> pace) {
        this.parts = parts;
        this.pace = pace;
    }

    // ---- for any thread -------------------------------------------------------------------------

    /** {@return the bytes that wait or are on their way; the most when the lane is down} */
    long queuedBytes() {
        return queuedBytes;
    }

    /** {@return false when the lane is down: the frame is still the caller's} */
    boolean send(OutboundFrame frame) {
        synchronized (frames) {
            if (down) {
                return false;
            }
            frames.add(frame);
            queuedBytes += weight(frame);
            wake();
        }
        return true;
    }

    /** Has a task run on the thread of the lane, soon; never when the lane is down. */
    void execute(Runnable task) {
        synchronized (frames) {
            if (!down) {
                tasks.add(task);
                wake();
            }
        }
    }

    /** {@return whether the lane is at its end} */
    boolean down() {
        return down;
    }

    /** Wakes the other end, whatever it does. */
    void ringPeer() {
        synchronized (frames) {
            if (!down) {
                parts.peerBell().wake();
            }
        }
    }

    /** Fails the lane, soon. */
    void failSoon(TransferException why) {
        synchronized (frames) {
            if (failure == null) {
                failure = why;
            }
            if (!down) {
                wake();
            }
        }
    }

    /** {@return why the lane has to end, or null} */
    TransferException failure() {
        return failure;
    }

    private void wake() {
        VarHandle.fullFence(); // what is to be done must be seen by a thread about to sleep
        if (sleeping) {
            parts.bell().wake();
        }
    }

    private static long weight(OutboundFrame frame) {
        return frame.payloadBytes() + LaneMessage.PREFIX_BYTES;
    }

    // ---- for the thread of the lane -------------------------------------------------------------

    void sleeps(boolean asleep) {
        sleeping = asleep;
    }

    /** {@return how many tasks there were} */
    int runTasks() {
        int done = 0;
        for (var task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
            done++;
        }
        return done;
    }

    /** {@return the next frame that may go now, or null} */
    OutboundFrame next() {
        if (paced != null) {
            if (System.nanoTime() - pacedUntil < 0) {
                return null;
            }
            var due = paced;
            paced = null;
            return due;
        }
        if (queuedBytes == 0) {
            return null;
        }
        OutboundFrame frame;
        synchronized (frames) {
            frame = frames.poll();
        }
        if (frame == null || pace.isEmpty()) {
            return frame;
        }
        paced = frame;
        pacedUntil = pace.get().due(frame.payloadBytes(), System.nanoTime());
        return null;
    }

    /** {@return how long the lane may sleep, at most so long, until a frame's time has come} */
    long untilDue(long nanos) {
        return paced == null ? nanos : Math.min(nanos, pacedUntil - System.nanoTime());
    }

    void giveBack(OutboundFrame frame, boolean sent) {
        long weight = weight(frame);
        synchronized (frames) {
            if (!down) {
                queuedBytes -= weight;
            }
        }
        frame.released(sent);
    }

    /** Gives back what nobody wants any more. */
    void sweep() {
        ArrayDeque<OutboundFrame> unwanted = null;
        synchronized (frames) {
            for (var all = frames.iterator(); all.hasNext(); ) {
                var frame = all.next();
                if (!frame.wanted()) {
                    unwanted = unwanted == null ? new ArrayDeque<>() : unwanted;
                    unwanted.add(frame);
                    all.remove();
                }
            }
        }
        if (unwanted != null) {
            unwanted.forEach(frame -> giveBack(frame, false));
        }
    }

    /** From now on nothing is taken. */
    void shut() {
        synchronized (frames) {
            down = true;
            queuedBytes = Long.MAX_VALUE;
        }
    }

    /** Gives all frames back, once shut. */
    void clear() {
        if (paced != null) {
            paced.released(false);
        }
        // Nobody adds to the queue any more.
        for (var frame = frames.poll(); frame != null; frame = frames.poll()) {
            frame.released(false);
        }
    }
}
