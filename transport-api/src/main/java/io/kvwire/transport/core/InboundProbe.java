package io.kvwire.transport.core;

import io.kvwire.transport.TransferException;

import java.util.concurrent.atomic.AtomicLong;

/** The receiving side of a peer's {@link LinkProbe}: counts its bytes and tells the peer. */
final class InboundProbe implements Arrivals {
    private final Session session;
    private final AtomicLong bytes = new AtomicLong();

    InboundProbe(Session session) {
        this.session = session;
    }

    @Override
    public boolean ended() {
        return session.over();
    }

    @Override
    public boolean first(int frameIndex) {
        return true;
    }

    @Override
    public boolean hold() {
        return !ended();
    }

    @Override
    public void drop() {
        // The frame's own staging keeps count.
    }

    @Override
    public void placed(ArrivingFrame frame, long scatterNanos) {
        long total = bytes.addAndGet(frame.payloadBytes());
        session.send(new MessageWriter(ControlMessages.PROBED).u64(total));
    }

    @Override
    public TraceLog traceLog() {
        return null;
    }

    @Override
    public void refuse(TransferException reason) {
        session.end(reason);
    }
}
