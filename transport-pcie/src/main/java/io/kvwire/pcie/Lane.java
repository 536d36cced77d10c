package io.kvwire.pcie;

import io.kvwire.ffi.linux.Poll;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.OutboundFrame;

import java.lang.invoke.VarHandle;
import java.util.ArrayDeque;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * One lane to a process on this host, and its thread: two rings in memory that both have mapped, a
 * socket whose end is that of the other process, and a doorbell for each end. Frames may be queued
 * by any thread; all else is confined to the lane's own.
 *
 * <p>The thread spins for a while when there is nothing to do, then says so in the shared memory
 * and sleeps until its doorbell rings or the socket ends.
 */
final class Lane implements Runnable {
    private static final System.Logger LOG = System.getLogger("io.kvwire.pcie");
    private static final long TICK_NANOS = 50_000_000;

    /** To look at the clock takes as long as to look for work. */
    private static final int ROUNDS_PER_CLOCK = 32;

    private static final int NANOS_PER_MILLI = 1_000_000;

    private final PcieLink link;
    private final LaneParts parts;
    private final long spinNanos;
    private final Imports imports = new Imports();
    private final Exports exports;
    private final LaneIn in;
    private final LaneOut out;
    private final Poll wait;
    private final Poll socketWait;
    private final int bellPlace;
    private final int socketPlace;
    private final Thread thread;
    private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();

    private final ArrayDeque<OutboundFrame> queue = new ArrayDeque<>();
    private volatile boolean down;
    private final Optional<LinkMessages> messages;
    private volatile long queuedBytes;
    private volatile boolean sleeping;
    private volatile TransferException failure;

    private long nextTick = System.nanoTime() + TICK_NANOS;
    private OutboundFrame paced;
    private long pacedUntil;

    Lane(PcieLink link, LaneParts parts) {
        this.link = link;
        this.parts = parts;
        spinNanos = link.options().spinNanos();
        messages = link.linkMessages();
        exports = new Exports(parts.socket(), parts.peerCannotRead().isEmpty());
        in = new LaneIn(this, link.handler(), parts, imports);
        out = new LaneOut(this, parts.out(), exports, link.options());
        wait = new Poll(parts.arena(), 2);
        bellPlace = wait.add(parts.bell().descriptor());
        socketPlace = wait.add(parts.socket().descriptor());
        socketWait = new Poll(parts.arena(), 1);
        socketWait.add(parts.socket().descriptor());
        thread = Thread.ofPlatform().daemon().name(link.threadName(index())).unstarted(this);
    }

    void start() {
        thread.start();
    }

    int index() {
        return parts.index();
    }

    LaneParts parts() {
        return parts;
    }

    boolean onThread() {
        return Thread.currentThread() == thread;
    }

    // ---- for any thread -------------------------------------------------------------------------

    /** {@return the bytes that wait or are on their way; the most when the lane is down} */
    long queuedBytes() {
        return queuedBytes;
    }

    /** {@return false when the lane is down: the frame is still the caller's} */
    boolean send(OutboundFrame frame) {
        synchronized (queue) {
            if (down) {
                return false;
            }
            queue.add(frame);
            queuedBytes += weight(frame);
            wake();
        }
        return true;
    }

    /** Runs a task on the thread, soon; never when the lane is down. */
    void execute(Runnable task) {
        synchronized (queue) {
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
        synchronized (queue) {
            if (!down) {
                parts.peerBell().wake();
            }
        }
    }

    /** Fails the lane, soon. */
    void failSoon(TransferException why) {
        synchronized (queue) {
            if (failure == null) {
                failure = why;
            }
            if (!down) {
                wake();
            }
        }
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

    // ---- for its two directions -----------------------------------------------------------------

    Exports exports() {
        return exports;
    }

    /** Wakes the other end if it sleeps: there is something new in the memory. */
    void wakePeer() {
        VarHandle.fullFence();
        if (parts.out().takeSleep()) {
            parts.peerBell().wake();
        }
    }

    void giveBack(OutboundFrame frame, boolean sent) {
        long weight = weight(frame);
        synchronized (queue) {
            if (!down) {
                queuedBytes -= weight;
            }
        }
        frame.released(sent);
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
        synchronized (queue) {
            frame = queue.poll();
        }
        if (frame == null || link.pace().isEmpty()) {
            return frame;
        }
        paced = frame;
        pacedUntil = link.pace().get().due(frame.payloadBytes(), System.nanoTime());
        return null;
    }

    /** Takes what the socket has: regions, or the end of the other process. */
    void hear() {
        while (true) {
            var message = parts.socket().receive();
            if (message.isEmpty()) {
                return;
            }
            if (message.get().ended()) {
                throw new TransferException(
                        ErrorCode.LANE_LOST,
                        "process " + parts.peer().pid() + " has closed the lane, or died");
            }
            imports.told(message.get());
        }
    }

    /** Fails the lane when the other process is gone. */
    void requirePeer() {
        if (socketWait.await(0)) {
            hear();
        }
    }

    // ---- the thread -----------------------------------------------------------------------------

    @Override
    public void run() {
        try {
            loop();
        } catch (TransferException e) {
            failSoon(e);
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.ERROR, "lane " + index() + " of " + link, e);
            failSoon(
                    new TransferException(
                            ErrorCode.LANE_LOST, "the node could not take a frame: " + e, e));
        }
        end();
    }

    private void loop() {
        long idleSince = 0;
        for (int round = 0; failure == null; round++) {
            boolean idle = work() == 0;
            if (idle) {
                Thread.onSpinWait();
            } else {
                idleSince = 0;
            }
            if (round % ROUNDS_PER_CLOCK != 0) {
                continue;
            }
            long now = System.nanoTime();
            tick(now);
            if (!idle) {
                continue;
            }
            if (idleSince == 0) {
                idleSince = now;
            }
            if (now - idleSince >= spinNanos) {
                sleep();
                idleSince = 0;
            }
        }
    }

    private void tick(long now) {
        if (now - nextTick >= 0) {
            nextTick = now + TICK_NANOS;
            requirePeer();
            out.sweep();
            sweepQueue();
        }
    }

    /** {@return how much there was to do} */
    private int work() {
        int done = lookForMessages();
        for (var task = tasks.poll(); task != null; task = tasks.poll()) {
            task.run();
            done++;
        }
        done += in.receive();
        done += out.pump();
        return done;
    }

    /** {@return how many there were; called between any two frames, too} */
    int lookForMessages() {
        return messages.isPresent() && link.leads(this) ? messages.get().look() : 0;
    }

    private void sleeps(boolean asleep) {
        sleeping = asleep;
        parts.in().sleeps(asleep);
        if (messages.isPresent() && link.leads(this)) {
            messages.get().sleeps(asleep);
        }
    }

    /** Sleeps until there is something to do, unless there is something already. */
    private void sleep() {
        sleeps(true);
        VarHandle.fullFence();
        try {
            if (work() > 0 || failure != null) {
                return;
            }
            long nanos = nextTick - System.nanoTime();
            if (paced != null) {
                nanos = Math.min(nanos, pacedUntil - System.nanoTime());
            }
            if (nanos > 0 && wait.await((int) (nanos / NANOS_PER_MILLI) + 1)) {
                if (wait.ready(bellPlace)) {
                    parts.bell().clear();
                }
                if (wait.ready(socketPlace)) {
                    hear();
                }
            }
        } finally {
            sleeps(false);
        }
    }

    private void sweepQueue() {
        ArrayDeque<OutboundFrame> unwanted = null;
        synchronized (queue) {
            for (var frames = queue.iterator(); frames.hasNext(); ) {
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

    /** Gives everything back, and lets the link know. */
    private void end() {
        if (messages.isPresent() && link.leads(this)) {
            messages.get().linger();
        }
        synchronized (queue) {
            down = true;
            queuedBytes = Long.MAX_VALUE;
        }
        link.lost();
        in.lost();
        out.lost();
        if (paced != null) {
            paced.released(false);
        }
        // Nobody adds to the queue any more.
        for (var frame = queue.poll(); frame != null; frame = queue.poll()) {
            frame.released(false);
        }
        imports.close();
        parts.close();
        link.gone(this, Optional.ofNullable(failure).orElseThrow());
    }
}
