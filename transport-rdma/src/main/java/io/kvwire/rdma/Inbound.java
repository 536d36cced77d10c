package io.kvwire.rdma;

import io.kvwire.transport.spi.InboundFrame;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;

/** A frame that arrives, pinned at its target until it is ended. */
final class Inbound extends Slot {
    private enum State {
        FREE,
        /** Accepted; the grant is still to be sent. */
        GRANTING,
        /** The peer writes, or sends. */
        ARRIVING,
        /** This side reads. */
        READING,
        /** Over; the peer is still to be told. */
        ENDING
    }

    private State state = State.FREE;
    private InboundFrame frame;
    private byte mode;
    private byte answer;
    private int senderSlot;
    private long payloadBytes;
    private long left;
    private long copyNanos;
    private boolean stopped;

    Inbound(Lane lane, int index) {
        super(lane, index);
    }

    @Override
    boolean busy() {
        return state != State.FREE;
    }

    /** Takes an announced frame, whose header was accepted. */
    void begin(InboundFrame arriving, byte how, int from, long bytes, ByteBuffer entries) {
        frame = arriving;
        reuse();
        mode = how;
        senderSlot = from;
        payloadBytes = bytes;
        stopped = false;
        state = State.GRANTING;
        if (frame.revoked()) {
            discard();
            return;
        }
        pieces.start(frame.target());
        if (how == LaneMessage.READ) {
            read(entries);
        } else {
            grant();
        }
    }

    private void read(ByteBuffer entries) {
        runs.decode(entries, entries.remaining() / RemoteRuns.ENTRY_BYTES, payloadBytes);
        // The first piece shows whether there is a place for the payload at all.
        if (pieces.survey(1, payloadBytes) == 0) {
            discard();
            return;
        }
        state = State.READING;
        mover.start(QueuePair.READ, pieces, runs, holds, payloadBytes);
        lane.slots().workLater(this);
    }

    private void grant() {
        boolean inPlace =
                mode == LaneMessage.WRITE
                        && describe(
                                MemoryAccess.LOCAL_WRITE | MemoryAccess.REMOTE_WRITE,
                                payloadBytes,
                                lane.messageBytes() - LaneMessage.PREFIX_BYTES);
        if (mode == LaneMessage.COPY) {
            pieces.survey(1, payloadBytes);
        }
        if (!pieces.any() || frame.revoked()) {
            discard();
            return;
        }
        mode = inPlace ? LaneMessage.WRITE : LaneMessage.COPY;
        if (!inPlace) {
            portion.start();
            left = payloadBytes;
            copyNanos = 0;
        }
        answer = LaneMessage.GRANT;
        lane.slots().replyLater(this);
    }

    private void discard() {
        answer = LaneMessage.DISCARD;
        end(false);
        lane.slots().replyLater(this);
    }

    @Override
    void reply(ByteBuffer out) {
        if (answer == LaneMessage.GRANT && frame.revoked()) {
            answer = LaneMessage.DISCARD;
            end(false);
        }
        int entries = answer == LaneMessage.GRANT && mode == LaneMessage.WRITE ? runs.size() : 0;
        lane.begin(out, answer, mode, senderSlot, id(), entries);
        if (answer == LaneMessage.GRANT) {
            if (mode == LaneMessage.WRITE) {
                bind();
                runs.encode(out);
            }
            state = State.ARRIVING;
        } else {
            free();
        }
    }

    @Override
    boolean step() {
        if (!stopped && frame.revoked()) {
            stopped = true;
            if (!mover.started(payloadBytes)) {
                fetched();
                return true;
            }
        }
        // What is posted when it stops half-way ends with a signaled request.
        boolean whole = stopped || mover.step(0);
        if (whole) {
            last = mover.last();
            lane.slots().awaitLater(this);
        }
        return whole;
    }

    /** The last READ has brought its bytes. */
    @Override
    void arrived() {
        fetched();
    }

    private void fetched() {
        boolean whole = !stopped;
        answer = LaneMessage.FETCHED;
        end(whole);
        lane.slots().replyLater(this);
    }

    /** The immediate behind the last WRITE has come: every byte is in place. */
    void written() {
        LinkOffer.require(
                state == State.ARRIVING && mode == LaneMessage.WRITE,
                "an immediate for a frame that was not granted");
        endUnlessRevoked(true);
        free();
    }

    /** A piece of the payload has come in a message. */
    void data(MemorySegment message, int from, int bytes) {
        LinkOffer.require(
                state == State.ARRIVING && mode == LaneMessage.COPY && bytes > 0 && bytes <= left,
                "a piece of " + bytes + " bytes for a frame that does not expect it");
        place(message, from, bytes);
        if (left == 0) {
            end(!stopped);
            free();
        }
    }

    /** A payload that came with its announcement. */
    void eager(InboundFrame arriving, MemorySegment message, int from, int bytes) {
        frame = arriving;
        payloadBytes = bytes;
        left = bytes;
        copyNanos = 0;
        stopped = false;
        pieces.start(frame.target());
        pieces.survey(1, bytes);
        portion.start();
        place(message, from, bytes);
        end(!stopped);
    }

    private void place(MemorySegment message, int from, int bytes) {
        long start = System.nanoTime();
        stopped = stopped || !portion.copyFrom(message, from, bytes, frame);
        left -= bytes;
        copyNanos += System.nanoTime() - start;
    }

    /** The sender gives the frame up; no byte of it has come. */
    void abandoned() {
        LinkOffer.require(state == State.ARRIVING, "no frame to abandon");
        endUnlessRevoked(false);
        free();
    }

    private void endUnlessRevoked(boolean whole) {
        if (frame != null) {
            end(whole);
        }
    }

    /** Takes the target back from a peer that neither writes it nor gives it up. */
    void sweep(long now) {
        if (state == State.ARRIVING && frame != null && frame.revoked()) {
            revokeLate(now);
        }
    }

    @Override
    void revoked() {
        if (frame != null) {
            end(false);
            state = State.ARRIVING; // the peer has still to say what became of it
        }
    }

    /** Ends the frame; the device is done with its target. */
    private void end(boolean whole) {
        var over = frame;
        frame = null;
        if (state != State.FREE) {
            state = State.ENDING;
        }
        clear();
        boolean copied = mode == LaneMessage.COPY || state == State.FREE;
        if (whole && !over.revoked()) {
            over.complete(copied ? payloadBytes : 0, copied ? copyNanos : 0);
        } else {
            over.abort();
        }
    }

    @Override
    void lost() {
        if (frame != null) {
            end(false);
        }
        free();
    }

    private void free() {
        state = State.FREE;
        lane.slots().freed(this);
    }
}
