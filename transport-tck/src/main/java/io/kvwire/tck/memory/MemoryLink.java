package io.kvwire.tck.memory;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.GrantedMemory;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.MemoryGrant;
import io.kvwire.transport.spi.OutboundFrame;

import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * One end of a link. Frames wait in one queue, and the lane that is free first takes the next. Each
 * lane has a thread that sends and one that receives; the last of all to end reports the link
 * closed.
 */
final class MemoryLink implements DataLink {
    /** More frames than any credit allows: a node that queues more has lost count. */
    static final int MAX_QUEUED_FRAMES = 1 << 20;

    private static final int THREADS_PER_LANE = 2;

    private final MemoryPath path;
    private final String name;
    private final LinkHandler handler;
    private final List<Lane> lanes;
    private final boolean connector;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final ArrayDeque<OutboundFrame> queue = new ArrayDeque<>();
    private final int[] threadsLeft;
    private int lanesUp;
    private int lanesEnded;
    private boolean down;
    private TransferException closeReason;

    MemoryLink(
            MemoryPath path,
            String name,
            LinkHandler handler,
            List<Lane> lanes,
            boolean connector) {
        this.path = path;
        this.name = name;
        this.handler = handler;
        this.lanes = lanes;
        this.connector = connector;
        lanesUp = lanes.size();
        threadsLeft = new int[lanes.size()];
    }

    void start() {
        var threads = path.threads();
        for (int i = 0; i < lanes.size(); i++) {
            int lane = i;
            var pipes = lanes.get(i);
            threadsLeft[i] = THREADS_PER_LANE;
            var sender = new LaneSender(path, pipes, pipes.outbound(connector), lane);
            var receiver = new LaneReceiver(pipes, pipes.inbound(connector), handler);
            threads.start(name + "-send-" + lane, () -> run(lane, () -> sender.run(this)));
            threads.start(name + "-receive-" + lane, () -> run(lane, receiver::run));
        }
    }

    private void run(int lane, Runnable work) {
        try {
            work.run();
        } finally {
            threadEnded(lane);
        }
    }

    @Override
    public int lanes() {
        lock.lock();
        try {
            return lanesUp;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public Optional<TransferException> lastLoss() {
        return lanes.stream().filter(Lane::broken).map(Lane::reason).findFirst();
    }

    @Override
    public Map<String, String> details() {
        return Map.of("fabric", path.fabric().id());
    }

    @Override
    public CompletableFuture<MemoryGrant> grant(List<MemorySegment> memory) {
        return CompletableFuture.completedFuture(path.fabric().views().grant(memory));
    }

    @Override
    public CompletableFuture<GrantedMemory> open(byte[] token) {
        try {
            return CompletableFuture.completedFuture(path.fabric().views().open(token));
        } catch (TransferException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    @Override
    public void send(OutboundFrame frame) {
        boolean overrun = false;
        lock.lock();
        try {
            if (!down) {
                if (queue.size() < MAX_QUEUED_FRAMES) {
                    queue.add(frame);
                    changed.signal();
                    return;
                }
                overrun = true;
            }
        } finally {
            lock.unlock();
        }
        frame.released(false);
        if (overrun) {
            close(
                    new TransferException(
                            ErrorCode.INTERNAL,
                            MAX_QUEUED_FRAMES
                                    + " frames wait on "
                                    + name
                                    + ": credits were ignored"));
        }
    }

    /** Waits for a frame to carry; null once the lane is broken. */
    OutboundFrame take(Lane lane) {
        lock.lock();
        try {
            while (!lane.broken()) {
                var frame = queue.poll();
                if (frame != null) {
                    return frame;
                }
                changed.awaitUninterruptibly();
            }
            changed.signal(); // this lane may have been woken for a frame that another can take
            return null;
        } finally {
            lock.unlock();
        }
    }

    @Override
    public void close(TransferException reason) {
        lock.lock();
        try {
            if (closeReason == null) {
                closeReason = reason;
            }
        } finally {
            lock.unlock();
        }
        lanes.forEach(lane ->
                lane.breakOff(
                        new TransferException(
                                ErrorCode.LANE_LOST,
                                "the other end of " + name + " closed the link")));
        wake();
        releaseQueued();
    }

    /** Lets the senders of this end see that a lane is broken. */
    private void wake() {
        lock.lock();
        try {
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void threadEnded(int lane) {
        var reason = lanes.get(lane).reason();
        wake(); // the receiver saw the break, the sender of the same lane may still wait
        boolean report;
        lock.lock();
        try {
            if (--threadsLeft[lane] > 0) {
                return;
            }
            lanesUp--;
            down |= lanesUp == 0;
            report = closeReason == null;
        } finally {
            lock.unlock();
        }
        if (report) {
            handler.laneLost(lane, reason);
        }
        if (lastToEnd(reason)) {
            releaseQueued();
            path.ended(this);
            handler.closed(closeReason);
        }
    }

    /** Counts a lane whose end was reported: the link is closed after the last of them. */
    private boolean lastToEnd(TransferException reason) {
        lock.lock();
        try {
            if (++lanesEnded < lanes.size()) {
                return false;
            }
            if (closeReason == null) {
                closeReason = reason;
            }
            return true;
        } finally {
            lock.unlock();
        }
    }

    private void releaseQueued() {
        List<OutboundFrame> left;
        lock.lock();
        try {
            down |= closeReason != null;
            if (!down) {
                return;
            }
            left = new ArrayList<>(queue);
            queue.clear();
        } finally {
            lock.unlock();
        }
        left.forEach(frame -> frame.released(false));
    }
}
