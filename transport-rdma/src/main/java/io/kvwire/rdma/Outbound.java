package io.kvwire.rdma;

import io.kvwire.transport.spi.OutboundFrame;

import java.nio.ByteBuffer;

/** A frame that this side sends. */
final class Outbound extends Slot {
    private enum State {
        FREE,
        /** Waits for the peer's word. */
        ANNOUNCED,
        /** Given up while it waited; the grant will be answered. */
        WITHDRAWN,
        /** Being written, or sent in messages. */
        MOVING,
        /** Posted whole. */
        POSTED
    }

    private State state = State.FREE;
    private OutboundFrame frame;
    private byte mode;
    private long payloadBytes;
    private int granted;
    private boolean credited;
    private long left;
    private long startedNanos;

    Outbound(Lane lane, int index) {
        super(lane, index);
    }

    @Override
    boolean busy() {
        return state != State.FREE;
    }

    /** Writes the announcement, and with it a small payload. */
    void announce(OutboundFrame next, ByteBuffer out, RdmaOptions options) {
        frame = next;
        reuse();
        payloadBytes = frame.payloadBytes();
        pieces.start(frame.payload());
        var header = frame.header();
        int headerBytes = header.remaining();
        long room = (long) lane.messageBytes() - LaneMessage.PREFIX_BYTES - headerBytes;
        mode = mode(options, room);
        lane.begin(out, LaneMessage.ANNOUNCE, mode, id(), 0, headerBytes);
        LaneMessage.payloadBytes(out, payloadBytes);
        out.put(out.position(), header, header.position(), headerBytes);
        out.position(out.position() + headerBytes);
        state = State.ANNOUNCED;
        startedNanos = System.nanoTime();
        if (mode == LaneMessage.EAGER) {
            startCopy();
            copy(out, payloadBytes);
            state = State.POSTED;
        } else if (mode == LaneMessage.READ) {
            bind();
            runs.encode(out);
        }
    }

    /** {@return whether the announcement carries everything} */
    boolean posted() {
        return state == State.POSTED;
    }

    private byte mode(RdmaOptions options, long room) {
        pieces.survey(1, payloadBytes);
        portion.start();
        // A device would have to copy such a payload first, and be waited for.
        if (payloadBytes <= Math.min(options.eagerBytes(), room) && !portion.onDevice()) {
            return LaneMessage.EAGER;
        }
        boolean pull =
                switch (options.pull()) {
                    case ALWAYS -> true;
                    case NEVER -> false;
                    case READS -> frame.answersRead();
                };
        if (!pull) {
            return LaneMessage.WRITE;
        }
        boolean fits =
                describe(MemoryAccess.REMOTE_READ, payloadBytes, (int) Math.min(room, 1 << 30));
        return fits ? LaneMessage.READ : LaneMessage.COPY;
    }

    /** The peer says where the payload goes. */
    void granted(byte how, int peerSlot, ByteBuffer in, int entries) {
        LinkOffer.require(
                state == State.ANNOUNCED || state == State.WITHDRAWN, "a grant for no frame");
        LinkOffer.require(
                how == LaneMessage.COPY || (how == LaneMessage.WRITE && mode == how),
                "a grant of the wrong kind");
        granted = peerSlot;
        mode = how;
        if (how == LaneMessage.WRITE) {
            runs.decode(in, entries, payloadBytes);
        }
        if (state == State.WITHDRAWN || frame == null || !frame.wanted()) {
            giveBack(false);
            state = State.WITHDRAWN;
            lane.slots().replyLater(this);
            return;
        }
        state = State.MOVING;
        startedNanos = System.nanoTime();
        if (how == LaneMessage.WRITE) {
            credited = false;
            mover.start(QueuePair.WRITE, pieces, runs, holds, payloadBytes);
        } else {
            startCopy();
        }
        lane.slots().workLater(this);
    }

    private void startCopy() {
        portion.start();
        left = payloadBytes;
    }

    @Override
    boolean step() {
        boolean whole = mode == LaneMessage.WRITE ? write() : copyOn();
        if (whole) {
            state = State.POSTED;
            lane.slots().awaitLater(this);
        }
        return whole;
    }

    private boolean write() {
        if (!lane.immediates()) {
            return mover.step(granted) && tell();
        }
        // The immediate takes a receive of the peer: it is kept before the first byte goes.
        credited = credited || lane.window().takeCredit();
        boolean whole = credited && mover.step(granted);
        last = mover.last();
        return whole;
    }

    /** Says that everything is written; the message comes behind every byte. */
    private boolean tell() {
        var window = lane.window();
        if (!window.mayMessage()) {
            return false;
        }
        lane.begin(window.message(), LaneMessage.WRITTEN, mode, granted, 0, 0);
        last = window.send(true);
        return true;
    }

    private boolean copyOn() {
        var window = lane.window();
        while (left > 0) {
            if (!window.mayMessage()) {
                return false;
            }
            var out = window.message();
            long bytes = Math.min(left, lane.messageBytes() - LaneMessage.PREFIX_BYTES);
            lane.begin(out, LaneMessage.DATA, mode, granted, 0, (int) bytes);
            copy(out, bytes);
            last = window.send(left == 0);
        }
        return true;
    }

    private void copy(ByteBuffer out, long bytes) {
        var window = lane.window();
        portion.copyTo(window.memory(), window.messageOffset() + out.position(), bytes);
        left -= bytes;
        out.position(out.position() + (int) bytes);
    }

    /** The peer throws the payload away: on every wire that counts as sent. */
    void discarded() {
        LinkOffer.require(
                state == State.ANNOUNCED || state == State.WITHDRAWN, "a refusal of no frame");
        if (state == State.ANNOUNCED) {
            if (mode != LaneMessage.READ) {
                pieces.rewind();
                pieces.finish();
            }
            giveBack(true);
        }
        free();
    }

    /** The peer has read the payload. */
    void fetched() {
        LinkOffer.require(
                state == State.ANNOUNCED && mode == LaneMessage.READ, "no frame was to be read");
        lane.measured(payloadBytes, startedNanos);
        giveBack(true);
        free();
    }

    /** Gives the frame back when nobody wants it any more and the peer cannot reach its source. */
    void sweep(long now) {
        if (state != State.ANNOUNCED || frame == null || frame.wanted()) {
            return;
        }
        if (mode == LaneMessage.READ) {
            revokeLate(now);
        } else {
            giveBack(false);
            state = State.WITHDRAWN;
        }
    }

    @Override
    void revoked() {
        giveBack(false);
    }

    @Override
    void reply(ByteBuffer out) {
        lane.begin(out, LaneMessage.ABANDON, mode, granted, 0, 0);
        free();
    }

    @Override
    void arrived() {
        if (mode != LaneMessage.EAGER) {
            lane.measured(payloadBytes, startedNanos);
        }
        giveBack(true);
        free();
    }

    @Override
    void lost() {
        if (frame != null) {
            giveBack(false);
        }
        free();
    }

    private void giveBack(boolean sent) {
        var over = frame;
        if (over != null) {
            frame = null;
            clear();
            lane.giveBack(over, sent);
        }
    }

    private void free() {
        state = State.FREE;
        lane.slots().freed(this);
    }
}
