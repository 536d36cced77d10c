package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.OutboundFrame;

import java.nio.ByteBuffer;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One queue pair to a peer, and the frames on it. Frames may be queued and bytes counted by any
 * thread; all else is confined to the thread of its {@link Poller}.
 *
 * <p>Each frame is announced by a message and granted by the receiver, who has checked its header
 * and pinned its target by then; see docs/spec/wire-format.md. A lane that fails is brought to
 * error and drained, and its queue pair destroyed, before any memory is given back.
 */
final class Lane {
    private enum State {
        OPENING,
        UP,
        DRAINING,
        GONE
    }

    private static final System.Logger LOG = System.getLogger("io.kvwire.rdma");

    private final RdmaLink link;
    private final int index;
    private final Rail rail;
    private final Poller poller;
    private final LinkHandler handler;
    private final RdmaOptions options;
    private final LaneQueues queues;
    private final QueuePair pair;
    private final LaneEnd end;
    private final SendWindow window;
    private final Progress progress;
    private final AtomicBoolean scheduled = new AtomicBoolean();
    private final Runnable pumpTask = this::pumpSoon;
    private final Runnable pumping = this::postAll;
    private final Runnable asking = this::ask;

    private final FrameQueue queue;
    private volatile double bytesPerNano;

    private Slots slots;
    private Arrivals arrivals;
    private Departures departures;
    private volatile State state = State.OPENING;
    private TransferException reason;
    private int messageBytes;
    private long lastDone;

    Lane(RdmaLink link, int index, Rail rail, QueueSpec spec) {
        this.link = link;
        this.index = index;
        this.rail = rail;
        this.handler = link.handler();
        this.options = link.options();
        poller = rail.poller();
        queue = new FrameQueue(link.pace(), poller);
        queues = new LaneQueues(rail, poller, spec, options);
        pair = queues.pair();
        end = new LaneEnd(rail, queues);
        window = queues.window();
        progress = new Progress(options.stallNanos());
        slots = new Slots(this, 0);
        poller.add(this);
    }

    // ---- set-up -------------------------------------------------------------------------------

    int index() {
        return index;
    }

    int number() {
        return queues.number();
    }

    int queuePair() {
        return pair.number();
    }

    Rail rail() {
        return rail;
    }

    /** {@return this side while it is connected} */
    LaneEnd end() {
        return end;
    }

    /** Connects it with what the peer has told. */
    void connect(RemoteEnd remote, LinkOffer theirs) {
        open(theirs, () -> end.connect(remote));
    }

    /** Connects it through the connection manager; blocks. */
    void connect(RemoteEnd remote, LinkOffer theirs, long deadlineNanos) {
        end.connect(remote, theirs.epoch(), deadlineNanos);
        open(theirs, end::taken);
    }

    /** Prepares for the peer, which is still to connect and may then send at once. */
    void expect(LinkOffer theirs) {
        open(theirs, () -> {});
    }

    /** Opens it, before any other thread knows of it as one that is up. */
    private synchronized void open(LinkOffer theirs, Runnable connecting) {
        if (state != State.OPENING) {
            return; // the link is being closed
        }
        messageBytes = Math.min(theirs.messageBytes(), options.messageBytes());
        int frames = Math.min(theirs.frames(), options.frames());
        window.credit(theirs.credits());
        slots = new Slots(this, frames);
        arrivals = new Arrivals(handler, window, slots, theirs.credits());
        departures = new Departures(index, queues, slots, queue, options);
        connecting.run();
        // From here on the lane belongs to its poller, which may have its first message already.
        state = State.UP;
        poller.execute(pumpTask);
    }

    // ---- for any thread -----------------------------------------------------------------------

    /** {@return the bytes that wait or are on their way; the most when the lane is down} */
    long queuedBytes() {
        return queue.bytes();
    }

    /** {@return how fast it has been, 0 before it was measured} */
    double bytesPerNano() {
        return bytesPerNano;
    }

    /** {@return false when the lane is down: the frame is still the caller's} */
    boolean send(OutboundFrame frame) {
        if (!queue.offer(frame)) {
            return false;
        }
        if (scheduled.compareAndSet(false, true)) {
            poller.execute(pumpTask);
        }
        return true;
    }

    /** Fails the lane, soon. */
    void failSoon(TransferException why) {
        poller.execute(() -> fail(why));
    }

    /**
     * The device has had time to take a key away, and has not: only a queue pair in error gives the
     * memory back.
     */
    void standsStill() {
        failSoon(
                stalled("the device did not take a key away", options.drainNanos(), "drainMillis"));
    }

    private TransferException stalled(String how, long nanos, String option) {
        return new TransferException(
                ErrorCode.LANE_LOST,
                "lane %d over %s stands still: %s for %d ms (rdma.%s)"
                        .formatted(
                                index,
                                rail.pick().port().label(),
                                how,
                                TimeUnit.NANOSECONDS.toMillis(nanos),
                                option));
    }

    private void pumpSoon() {
        scheduled.set(false);
        poller.touch(this);
    }

    private boolean touched;

    /** {@return whether it was not marked yet; for the poller} */
    boolean mark() {
        boolean first = !touched;
        touched = true;
        return first;
    }

    void unmark() {
        touched = false;
    }

    // ---- for its slots ------------------------------------------------------------------------

    SendWindow window() {
        return window;
    }

    Registrations registrations() {
        return rail.registrations();
    }

    /** {@return whether the peer reaches memory through windows} */
    boolean showsThroughWindows() {
        return rail.windows();
    }

    Windows windows() {
        return queues.windows();
    }

    Mover mover() {
        int gathers = Math.min(options.gathers(), rail.device().limits().gathers());
        return new Mover(window, pair, gathers, options.requestBytes());
    }

    /** {@return the longest message that both sides take} */
    int messageBytes() {
        return messageBytes;
    }

    void begin(ByteBuffer message, byte type, byte mode, int slot, int other, int size) {
        departures.begin(message, type, mode, slot, other, size);
    }

    RdmaOptions options() {
        return options;
    }

    /** Memory of a frame cannot be registered. */
    void notRegistered(TransferException why) {
        link.notRegistered(why);
    }

    /** {@return whether the receiver learns of a WRITE by its immediate, not by a message} */
    boolean immediates() {
        return pair.immediates();
    }

    Slots slots() {
        return slots;
    }

    void giveBack(OutboundFrame frame, boolean sent) {
        queue.giveBack(frame, sent);
    }

    void measured(long bytes, long startedNanos) {
        long now = System.nanoTime();
        long since = lastDone - startedNanos > 0 ? lastDone : startedNanos;
        lastDone = now;
        bytesPerNano = Striping.measured(bytesPerNano, bytes, now - since);
    }

    // ---- what the poller tells ------------------------------------------------------------------

    /** A work request was reported. */
    void sent(long count, int status) {
        if (status != Completions.SUCCESS && state == State.UP) {
            arrive(count);
            fail(
                    new TransferException(
                            ErrorCode.LANE_LOST,
                            "lane "
                                    + index
                                    + " over "
                                    + rail.pick().port().label()
                                    + ": "
                                    + Completions.text(status)));
        }
        window.completed(count);
        if (state == State.UP) {
            arrive(window.done());
        } else if (state == State.DRAINING) {
            queues.reported(this);
        }
    }

    private void arrive(long done) {
        queues.windows().done(done);
        while (state == State.UP) {
            var slot = slots.arrived(done);
            if (slot == null) {
                break;
            }
            slot.arrived();
        }
    }

    /** An immediate has come: a frame was written. */
    void written(int slot) {
        if (state == State.UP) {
            departures.owe();
            guarded(() -> slots.inbound(slot).written());
        }
    }

    /** A message has come. */
    void received(ReceiveBuffers buffers, int buffer, int bytes) {
        if (state == State.UP) {
            departures.owe();
            guarded(() -> arrivals.message(buffers, buffer, bytes));
        }
    }

    private void guarded(Runnable work) {
        try {
            work.run();
        } catch (TransferException e) {
            fail(e);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, toString(), e);
            fail(
                    new TransferException(
                            ErrorCode.LANE_LOST, "the node could not take a frame: " + e, e));
        }
    }

    // ---- sending --------------------------------------------------------------------------------

    /** Posts what can be posted. */
    void pump() {
        if (state == State.UP) {
            guarded(pumping);
        }
    }

    private void postAll() {
        while (departures.some() && state == State.UP) {
            // More may be possible after that.
        }
        departures.post();
    }

    private void ask() {
        departures.ask();
    }

    // ---- the end --------------------------------------------------------------------------------

    /** Looks after what nothing else reminds of. */
    void tick(long now) {
        if (state == State.UP) {
            slots.sweep(now);
            queue.sweep();
            watch(now);
        } else if (state == State.DRAINING && queues.overdue(now)) {
            drained();
        }
    }

    /** Gives the lane up when its device does not go on with what was posted. */
    private void watch(long now) {
        long posted = window.posted() - window.done();
        if (!progress.standsStill(posted > 0, window.awaitsReport(), window.done(), now)) {
            return;
        }
        if (window.awaitsReport()) {
            var how = "of " + posted + " work requests the device ended none";
            fail(stalled(how, options.stallNanos(), "stallMillis"));
        } else {
            guarded(asking);
        }
    }

    /** Brings the queue pair to error; on the poller's thread alone. */
    void fail(TransferException why) {
        boolean opening;
        synchronized (this) {
            if (state == State.DRAINING || state == State.GONE) {
                return;
            }
            opening = state == State.OPENING || !end.connected();
            state = State.DRAINING;
        }
        reason = why;
        queue.shut();
        link.failing(this, why);
        if (opening || !queues.drain(this)) {
            drained();
        }
    }

    /**
     * The completion queue was found empty after everything that was posted had come back.
     *
     * @return false when it is to be told again
     */
    boolean emptied() {
        if (state != State.DRAINING) {
            return true;
        }
        if (!queues.reportedAll()) {
            return false;
        }
        drained();
        return true;
    }

    /** The failed lane will not be told of what is in flight. */
    void abandon() {
        if (state == State.DRAINING) {
            drained();
        }
    }

    /**
     * Nothing is in flight any more, or will never be reported: destroys the queue pair, which
     * proves the same, and gives everything back.
     */
    private void drained() {
        if (!queues.destroy(this)) {
            return; // without that proof nothing is given back
        }
        state = State.GONE;
        poller.remove(this);
        link.lost();
        slots.lost();
        queue.clear();
        queues.dismiss();
        link.gone(this, reason);
    }

    @Override
    public String toString() {
        return "lane " + index + " of " + link;
    }
}
