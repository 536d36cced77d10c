package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.OutboundFrame;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
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

    /**
     * One work request more than the window uses, which shows that a failed queue pair is empty.
     */
    private static final int DRAIN_REQUESTS = 1;

    private final RdmaLink link;
    private final int index;
    private final Rail rail;
    private final Poller poller;
    private final LinkHandler handler;
    private final RdmaOptions options;
    private final QueueSpec spec;
    private final int number;
    private final int depth;
    private final QueuePair pair;
    private final SendWindow window;
    private final AtomicBoolean scheduled = new AtomicBoolean();
    private final Runnable pumpTask = this::pumpSoon;

    private final ArrayDeque<OutboundFrame> queue = new ArrayDeque<>();
    private boolean down;
    private volatile long queuedBytes;
    private volatile double bytesPerNano;

    private final ArrayDeque<Slot> replies = new ArrayDeque<>();
    private final ArrayDeque<Slot> works = new ArrayDeque<>();
    private final ArrayDeque<Slot> awaiting = new ArrayDeque<>();
    private final ArrayDeque<Outbound> freeOut = new ArrayDeque<>();
    private final ArrayDeque<Inbound> freeIn = new ArrayDeque<>();
    private Outbound[] out = {};
    private Inbound[] in = {};
    private Inbound eager;
    private volatile State state = State.OPENING;
    private TransferException reason;
    private long drainUntil;
    private boolean marked;
    private int messageBytes;
    private int peerCredits;
    private int owed;
    private long lastDone;
    private OutboundFrame paced;
    private long pacedUntil;

    Lane(RdmaLink link, int index, Rail rail, QueueSpec spec) {
        this.link = link;
        this.index = index;
        this.rail = rail;
        this.handler = link.handler();
        this.options = link.options();
        this.spec = spec;
        poller = rail.poller();
        depth = spec.depth() - DRAIN_REQUESTS;
        number = poller.admit(spec.depth(), options.credits());
        QueuePair made = null;
        try {
            made =
                    rail.device()
                            .queuePair(
                                    rail.pick().port(),
                                    poller.completions(),
                                    poller.receives(),
                                    spec);
            window = new SendWindow(rail.device(), made, number, depth, options.messageBytes());
        } catch (RuntimeException e) {
            if (made != null) {
                made.close();
            }
            poller.dismiss(spec.depth(), options.credits());
            throw e;
        }
        pair = made;
        poller.add(this);
    }

    // ---- set-up -------------------------------------------------------------------------------

    int index() {
        return index;
    }

    int number() {
        return number;
    }

    int queuePair() {
        return pair.number();
    }

    Rail rail() {
        return rail;
    }

    /** {@return what the peer has to know of this end} */
    RemoteEnd localEnd() {
        var pick = rail.pick();
        return new RemoteEnd(
                pair.number(),
                spec.firstPacket(),
                pick.gid(),
                pick.port().lid(),
                spec.mtuBytes(),
                spec.atomics());
    }

    /** Connects it; before any other thread knows of it as one that is up. */
    synchronized void connect(RemoteEnd remote, LinkOffer theirs) {
        if (state != State.OPENING) {
            return; // the link is being closed
        }
        messageBytes = Math.min(theirs.messageBytes(), options.messageBytes());
        peerCredits = theirs.credits();
        int frames = Math.min(theirs.frames(), options.frames());
        window.credit(peerCredits);
        out = new Outbound[frames];
        in = new Inbound[frames];
        for (int i = 0; i < frames; i++) {
            out[i] = new Outbound(this, i);
            in[i] = new Inbound(this, i);
            freeOut.add(out[i]);
            freeIn.add(in[i]);
        }
        eager = new Inbound(this, frames);
        pair.connect(remote);
        // From here on the lane belongs to its poller, which may have its first message already.
        state = State.UP;
        poller.execute(pumpTask);
    }

    // ---- for any thread -----------------------------------------------------------------------

    /** {@return the bytes that wait or are on their way; the most when the lane is down} */
    long queuedBytes() {
        return queuedBytes;
    }

    /** {@return how fast it has been, 0 before it was measured} */
    double bytesPerNano() {
        return bytesPerNano;
    }

    /** {@return false when the lane is down: the frame is still the caller's} */
    boolean send(OutboundFrame frame) {
        synchronized (queue) {
            if (down) {
                return false;
            }
            queue.add(frame);
            queuedBytes += weight(frame);
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

    private static long weight(OutboundFrame frame) {
        return frame.payloadBytes() + LaneMessage.PREFIX_BYTES;
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

    Mover mover() {
        int gathers = Math.min(options.gathers(), rail.device().limits().gathers());
        return new Mover(window, pair, gathers, options.requestBytes());
    }

    /** {@return the longest message that both sides take} */
    int messageBytes() {
        return messageBytes;
    }

    void begin(ByteBuffer message, byte type, byte mode, int slot, int other, int size) {
        LaneMessage.begin(message, type, mode, owed, slot, other, size);
        owed = 0;
    }

    void replyLater(Slot slot) {
        replies.add(slot);
    }

    void workLater(Slot slot) {
        works.add(slot);
    }

    void awaitLater(Slot slot) {
        awaiting.add(slot);
    }

    void freed(Outbound slot) {
        freeOut.push(slot);
    }

    void freed(Inbound slot) {
        freeIn.push(slot);
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

    void measured(long bytes, long startedNanos) {
        long now = System.nanoTime();
        long since = lastDone - startedNanos > 0 ? lastDone : startedNanos;
        lastDone = now;
        bytesPerNano = Striping.measured(bytesPerNano, bytes, now - since);
    }

    /**
     * Describes a slot's memory to the peer.
     *
     * @param room bytes for the description
     * @return false when it is in too many pieces, or cannot be registered: it has to be copied
     */
    boolean describe(Slot slot, int access, long payloadBytes, int room) {
        var pieces = slot.pieces;
        var runs = slot.runs;
        runs.clear();
        if (pieces.survey(payloadBytes / options.minRunBytes() + 1, payloadBytes) <= 0) {
            return false;
        }
        pieces.rewind();
        try {
            while (pieces.next()) {
                var segment = pieces.segment();
                int key = slot.holds.of(segment, access).remoteKey();
                long address = segment.address() + pieces.offset();
                if (!runs.add(address, pieces.length(), key, room / RemoteRuns.ENTRY_BYTES)) {
                    return false;
                }
            }
        } catch (TransferException e) {
            link.notRegistered(e);
            return false;
        }
        return true;
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
        } else if (state == State.DRAINING && marked && window.idle()) {
            drained();
        }
    }

    private void arrive(long done) {
        while (state == State.UP && !awaiting.isEmpty() && awaiting.peek().last < done) {
            awaiting.poll().arrived();
        }
    }

    /** An immediate has come: a frame was written. */
    void written(int slot) {
        if (state == State.UP) {
            owed++;
            guarded(() -> inbound(slot).written());
        }
    }

    /** A message has come. */
    void received(ReceiveBuffers buffers, int buffer, int bytes) {
        if (state == State.UP) {
            owed++;
            guarded(() -> message(buffers, buffer, bytes));
        }
    }

    private void guarded(Runnable work) {
        try {
            work.run();
        } catch (TransferException e) {
            fail(e);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.ERROR, "lane " + index + " of " + link, e);
            fail(
                    new TransferException(
                            ErrorCode.LANE_LOST, "the node could not take a frame: " + e, e));
        }
    }

    private void message(ReceiveBuffers buffers, int buffer, int bytes) {
        LinkOffer.require(bytes >= LaneMessage.PREFIX_BYTES, "a message of " + bytes + " bytes");
        var message = buffers.view(buffer, bytes);
        int slot = LaneMessage.slot(message);
        window.credit(LaneMessage.credits(message));
        LinkOffer.require(window.credits() <= peerCredits, "more credit than there is");
        int size = LaneMessage.size(message);
        message.position(LaneMessage.PREFIX_BYTES);
        switch (LaneMessage.type(message)) {
            case LaneMessage.ANNOUNCE -> announced(buffers, buffer, message, size);
            case LaneMessage.GRANT ->
                    outbound(slot)
                            .granted(
                                    LaneMessage.mode(message),
                                    LaneMessage.other(message),
                                    message,
                                    size);
            case LaneMessage.DISCARD -> outbound(slot).discarded();
            case LaneMessage.FETCHED -> outbound(slot).fetched();
            case LaneMessage.DATA -> {
                LinkOffer.require(size == message.remaining(), "a piece of another length");
                inbound(slot).data(buffers.memory(buffer), LaneMessage.PREFIX_BYTES, size);
            }
            case LaneMessage.CREDIT -> LinkOffer.require(bytes == message.position(), "credit");
            case LaneMessage.ABANDON -> inbound(slot).abandoned();
            default -> LinkOffer.require(false, "a message of type " + LaneMessage.type(message));
        }
    }

    private void announced(
            ReceiveBuffers buffers, int buffer, ByteBuffer message, int headerBytes) {
        long payloadBytes = LaneMessage.payloadBytes(message);
        int from = LaneMessage.slot(message);
        byte mode = LaneMessage.mode(message);
        LinkOffer.require(
                headerBytes >= 0 && headerBytes <= message.remaining() && payloadBytes >= 0,
                "a header of " + headerBytes + " bytes");
        int end = message.limit();
        int behind = message.position() + headerBytes;
        LinkOffer.require(
                switch (mode) {
                    case LaneMessage.EAGER -> payloadBytes == end - behind;
                    case LaneMessage.WRITE, LaneMessage.COPY -> end == behind && payloadBytes > 0;
                    case LaneMessage.READ -> payloadBytes > 0;
                    default -> false;
                },
                "a frame of " + payloadBytes + " bytes in mode " + mode);
        LinkOffer.require(
                mode == LaneMessage.EAGER || !freeIn.isEmpty(), "more frames than were agreed");
        message.limit(behind);
        var frame = handler.begin(message, payloadBytes);
        message.limit(end).position(behind);
        if (mode == LaneMessage.EAGER) {
            eager.eager(frame, buffers.memory(buffer), behind, (int) payloadBytes);
        } else {
            freeIn.pop().begin(frame, mode, from, payloadBytes, message);
        }
    }

    private Outbound outbound(int id) {
        int at = Slot.index(id);
        LinkOffer.require(at < out.length && out[at].id() == id && out[at].busy(), "slot " + id);
        return out[at];
    }

    private Inbound inbound(int id) {
        int at = Slot.index(id);
        LinkOffer.require(at < in.length && in[at].id() == id && in[at].busy(), "slot " + id);
        return in[at];
    }

    // ---- sending --------------------------------------------------------------------------------

    /** Posts what can be posted. */
    void pump() {
        if (state == State.UP) {
            guarded(this::pumpAll);
        }
    }

    private void pumpAll() {
        boolean more;
        do {
            more = replyAll();
            more |= workAll();
            more |= announceAll();
        } while (more && state == State.UP);
        if (2 * owed >= options.credits() && window.mayCredit()) {
            begin(window.message(), LaneMessage.CREDIT, (byte) 0, 0, 0, 0);
            window.send(false);
        }
        window.post();
    }

    private boolean replyAll() {
        boolean any = false;
        while (!replies.isEmpty() && window.mayMessage()) {
            replies.poll().reply(window.message());
            window.send(false);
            any = true;
        }
        return any;
    }

    private boolean workAll() {
        boolean any = false;
        for (int i = works.size(); i > 0; i--) {
            var slot = works.poll();
            if (slot.step()) {
                any = true;
            } else {
                works.add(slot);
            }
        }
        return any;
    }

    private boolean announceAll() {
        boolean any = false;
        while (!freeOut.isEmpty() && window.mayMessage()) {
            var frame = next();
            if (frame == null) {
                break;
            }
            any = true;
            if (!frame.wanted()) {
                giveBack(frame, false);
                continue;
            }
            frame.sending(index);
            var slot = freeOut.pop();
            slot.announce(frame, window.message(), options);
            slot.last = window.send(slot.posted());
            if (slot.posted()) {
                awaiting.add(slot);
            }
        }
        return any;
    }

    /** {@return the next frame that may go now, or null} */
    private OutboundFrame next() {
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
        synchronized (queue) {
            frame = queue.poll();
        }
        var pace = link.pace();
        if (frame == null || pace.isEmpty()) {
            return frame;
        }
        paced = frame;
        pacedUntil = pace.get().due(frame.payloadBytes(), System.nanoTime());
        poller.wakeAt(pacedUntil);
        return null;
    }

    // ---- the end --------------------------------------------------------------------------------

    /** Looks after what nothing else reminds of. */
    void tick(long now) {
        if (state == State.UP) {
            for (var slot : out) {
                slot.sweep();
            }
            sweepQueue();
        } else if (state == State.DRAINING && now - drainUntil >= 0) {
            drained();
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

    /** Brings the queue pair to error; on the poller's thread alone. */
    void fail(TransferException why) {
        boolean opening;
        synchronized (this) {
            if (state == State.DRAINING || state == State.GONE) {
                return;
            }
            opening = state == State.OPENING;
            state = State.DRAINING;
        }
        reason = why;
        drainUntil = System.nanoTime() + options.drainNanos();
        synchronized (queue) {
            down = true;
            queuedBytes = Long.MAX_VALUE;
        }
        link.failing(this, why);
        if (opening) {
            drained();
            return;
        }
        try {
            window.post();
            pair.error();
            // Comes back flushed behind everything that was posted before it.
            window.add(QueuePair.SEND, true, 0);
            window.post();
            marked = true;
        } catch (RuntimeException e) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    () ->
                            "lane "
                                    + index
                                    + " of "
                                    + link
                                    + " cannot be drained; its queue pair is destroyed instead",
                    e);
        }
    }

    /**
     * Nothing is in flight any more, or will never be reported: destroys the queue pair, which
     * proves the same, and gives everything back.
     */
    private void drained() {
        try {
            pair.close();
        } catch (RuntimeException e) {
            // Without that proof nothing is given back; the next tick tries again.
            LOG.log(System.Logger.Level.ERROR, "lane " + index + " of " + link, e);
            drainUntil = System.nanoTime() + options.drainNanos();
            return;
        }
        state = State.GONE;
        poller.remove(this);
        window.close();
        link.lost();
        for (var slot : out) {
            if (slot.busy()) {
                slot.lost();
            }
        }
        for (var slot : in) {
            if (slot.busy()) {
                slot.lost();
            }
        }
        if (paced != null) {
            paced.released(false);
        }
        // Nobody adds to the queue any more.
        for (var frame = queue.poll(); frame != null; frame = queue.poll()) {
            frame.released(false);
        }
        poller.dismiss(depth + DRAIN_REQUESTS, options.credits());
        link.gone(this, reason);
    }
}
