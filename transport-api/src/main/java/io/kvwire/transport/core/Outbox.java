package io.kvwire.transport.core;

import io.kvwire.transport.spi.DataLink;

import java.util.ArrayDeque;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Turns the senders of one connection into frames on its link, in turns of a few frames each, as
 * far as the receiver's window goes. One thread at a time does the work: whoever finds something to
 * do while another is at it leaves a mark and goes.
 */
final class Outbox {
    /** The most frames at the wire at one time. */
    static final int MAX_FRAMES = 512;

    private static final int FRAMES_PER_TURN = 8;

    final AtomicLong inFlight = new AtomicLong();
    private final Session session;
    private final long windowBytes;
    private final int maxPayloadBytes;
    private final ConcurrentLinkedQueue<Sender> ready = new ConcurrentLinkedQueue<>();
    private final AtomicInteger marks = new AtomicInteger();
    private final AtomicInteger framesOut = new AtomicInteger();
    private final AtomicInteger heavySenders = new AtomicInteger();
    private final ArrayDeque<PooledFrame> pool = new ArrayDeque<>();
    private volatile long waitingSince;
    private volatile DataLink link;

    Outbox(Session session, Hello.Bounds bounds) {
        this.session = session;
        windowBytes = bounds.windowBytes();
        maxPayloadBytes = (int) Math.min(bounds.frameBytes(), bounds.windowBytes());
    }

    void open(DataLink to) {
        link = to;
        pump();
    }

    Coding coding() {
        return session.coding();
    }

    Metrics metrics() {
        return session.node().metrics;
    }

    /** Takes a sender that has something ready. */
    void add(Sender sender) {
        if (sender.queued.compareAndSet(false, true)) {
            if (sender.heavy()) {
                heavySenders.incrementAndGet();
            }
            ready.add(sender);
        }
        pump();
    }

    void pump() {
        if (link != null && marks.getAndIncrement() == 0) {
            if (heavySenders.get() > 0) {
                session.node().gather(this::work);
            } else {
                work();
            }
        }
    }

    private void work() {
        int seen = 1;
        do {
            while (turn()) {
                // As long as there are senders and window.
            }
            seen = marks.addAndGet(-seen);
        } while (seen != 0);
    }

    /** Sends a few frames of the sender at the head; false when nothing can be sent now. */
    private boolean turn() {
        var sender = ready.peek();
        if (sender != null) {
            sender.choose(link);
        }
        if (sender == null || !mayGo(sender)) {
            if (sender != null && waitingSince == 0) {
                waitingSince = System.nanoTime();
                metrics().creditWaits.increment();
            }
            return false;
        }
        ready.poll();
        for (int i = 0; i < FRAMES_PER_TURN && mayGo(sender) && sendOne(sender); i++) {
            // Sent one more.
        }
        if (sender.owner.wanted() && sender.hasReady()) {
            ready.add(sender);
            return true;
        }
        if (sender.heavy()) {
            heavySenders.decrementAndGet();
        }
        sender.queued.set(false);
        if (sender.owner.wanted() && sender.hasReady()) {
            add(sender);
        }
        return true;
    }

    private boolean mayGo(Sender sender) {
        if (sender.stages() && !coding().outgoing().room(maxPayloadBytes)) {
            metrics().stagingWaits.increment();
            return false;
        }
        long out = inFlight.get();
        return (out == 0 || out + maxPayloadBytes <= windowBytes) && framesOut.get() < MAX_FRAMES;
    }

    private boolean sendOne(Sender sender) {
        if (!sender.owner.wanted() || !sender.owner.hold()) {
            return false;
        }
        var frame = take();
        boolean filled = false;
        try {
            filled = frame.fill(sender, maxPayloadBytes);
            if (filled) {
                prepare(frame, sender);
            }
        } catch (RuntimeException e) {
            session.end(Session.internal("cutting a frame failed", e));
            filled = false;
        }
        if (!filled) {
            give(frame);
            sender.owner.drop();
            return false;
        }
        sender.charge(this, frame.rawBytes(), frame.charge());
        framesOut.incrementAndGet();
        if (!frame.staged()) {
            send(frame);
        } else if (!coding().run(frame)) {
            released(frame, false);
        }
        return true;
    }

    /** Gives a frame that is ready to the wire; from the outbox, or from a thread that encodes. */
    void send(PooledFrame frame) {
        // A probe is measured by what the peer confirms.
        boolean measured = coding().rates().wanted() && !frame.fields.ofProbe();
        if (measured || frame.sender().trace != null) {
            frame.times.given(System.nanoTime(), measured, coding().rates().link);
        }
        link.send(frame);
    }

    private void prepare(PooledFrame frame, Sender sender) {
        long now = System.nanoTime();
        if (sender.firstFrameNanos == 0) {
            sender.firstFrameNanos = now;
        }
        if (waitingSince != 0) {
            sender.creditWaitNanos.addAndGet(now - waitingSince);
            waitingSince = 0;
        }
        frame.times.cut(now);
        if (sender.stages() && frame.payloadBytes() > 0) {
            frame.stage(coding());
            return;
        }
        if (sender.gathers() && frame.payloadBytes() > 0) {
            frame.gather();
        }
        if (sender.checksum) {
            frame.checksum();
        }
        frame.seal();
    }

    void released(PooledFrame frame, boolean sent) {
        var sender = frame.sender();
        if (sent) {
            metrics().framesSent.increment();
            metrics().bytesSent.add(frame.payloadBytes());
            sender.wireBytes.addAndGet(frame.payloadBytes());
            sender.owner.carried();
        }
        frame.ended(sent, coding());
        framesOut.decrementAndGet();
        sender.frameBack(this);
        give(frame);
        if (!sent) {
            session.frameLost(sender);
        }
        sender.owner.drop();
        pump();
    }

    private PooledFrame take() {
        synchronized (pool) {
            var frame = pool.poll();
            return frame == null ? new PooledFrame(this) : frame;
        }
    }

    private void give(PooledFrame frame) {
        synchronized (pool) {
            pool.push(frame);
        }
    }
}
