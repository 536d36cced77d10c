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
    private final AtomicLong reported = new AtomicLong();
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
    public void placed(FrameHeader header, long bytes, long copiedBytes, long scatterNanos) {
        var expecting = reception;
        if (expecting != null && header.ofBlocks() && bytes > 0) {
            expecting.placed(header.layer, bytes);
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
            long before = reported.get();
            if (total - before >= session.reportEveryBytes()
                    && reported.compareAndSet(before, total)) {
                session.send(
                        new MessageWriter(ControlMessages.PROGRESS)
                                .u8(ControlMessages.YOURS)
                                .u64(transferId)
                                .u64(total));
            }
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
