package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** What a responder knows of one WRITE: how much has come, and whether it is over. */
final class InboundWrite implements Arrivals {
    private enum State {
        OPEN,
        PUBLISHED,
        ENDED
    }

    final long transferId;
    private final Session session;
    private final AtomicReference<State> state = new AtomicReference<>(State.OPEN);
    private final AtomicLong placed = new AtomicLong();
    final CreditReport credit;
    private final SeenFrames seen = new SeenFrames();
    private boolean described;
    private volatile long expectedBytes;
    private boolean notifies;
    private boolean emptyArrived;
    private byte[] notification;
    private volatile Reception reception;

    InboundWrite(Session session, long transferId) {
        this.session = session;
        this.transferId = transferId;
        credit = new CreditReport(session, ControlMessages.YOURS, () -> transferId);
    }

    /** Takes what every frame of the transfer says alike; false when this one says otherwise. */
    synchronized boolean describe(FrameHeader header) {
        if (!described) {
            described = true;
            expectedBytes = header.expectedBytes;
            notifies = header.notifies();
        }
        return expectedBytes == header.expectedBytes && notifies == header.notifies();
    }

    void receivedBy(Reception expecting) {
        reception = expecting;
    }

    void attach(byte[] payload) {
        synchronized (this) {
            notification = payload;
        }
        publishIfWhole();
    }

    @Override
    public boolean ended() {
        return state.get() != State.OPEN;
    }

    @Override
    public boolean first(int frameIndex) {
        return seen.first(frameIndex);
    }

    @Override
    public boolean hold() {
        return !ended();
    }

    @Override
    public void drop() {
        // The blocks' own pins keep count.
    }

    @Override
    public TraceLog traceLog() {
        var expecting = reception;
        return expecting == null ? null : expecting.traceLog();
    }

    @Override
    public void placed(ArrivingFrame frame, long scatterNanos) {
        var expecting = reception;
        long bytes = frame.rawBytes();
        if (expecting != null && frame.fields.ofBlocks() && bytes > 0) {
            expecting.placed(frame.fields.layer, bytes);
        }
        long total = placed.addAndGet(bytes);
        synchronized (this) {
            emptyArrived |= expectedBytes == 0;
        }
        if (total > expectedBytes) {
            refuse(
                    new TransferException(
                            ErrorCode.MALFORMED,
                            "transfer "
                                    + transferId
                                    + " brought "
                                    + total
                                    + " bytes and announced "
                                    + expectedBytes));
            return;
        }
        if (!publishIfWhole()) {
            credit.placed(frame.charge());
        }
    }

    private boolean publishIfWhole() {
        byte[] message;
        synchronized (this) {
            boolean whole =
                    described
                            && placed.get() == expectedBytes
                            && (expectedBytes > 0 || emptyArrived)
                            && (!notifies || notification != null);
            if (!whole || !state.compareAndSet(State.OPEN, State.PUBLISHED)) {
                return false;
            }
            message = notification;
        }
        if (message != null) {
            session.node().tell(listener -> listener.notified(session.peer(), message));
        }
        session.send(
                new MessageWriter(ControlMessages.DONE).u8(ControlMessages.YOURS).u64(transferId));
        return true;
    }

    @Override
    public void refuse(TransferException reason) {
        if (end(reason)) {
            session.sendFailure(ControlMessages.YOURS, transferId, reason);
        }
    }

    /** Ends it without telling the initiator. */
    boolean end(TransferException reason) {
        if (!state.compareAndSet(State.OPEN, State.ENDED)) {
            return false;
        }
        var expecting = reception;
        if (expecting != null) {
            expecting.fail(reason);
        }
        return true;
    }
}
