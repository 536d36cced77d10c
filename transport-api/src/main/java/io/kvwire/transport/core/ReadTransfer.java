package io.kvwire.transport.core;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;
import io.kvwire.transport.TransferTiming;

import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicLong;

/** A READ that this node initiated: asks, then counts what arrives. */
abstract class ReadTransfer extends OngoingTransfer implements Arrivals {
    final long expectedBytes;
    private final AtomicLong placedBytes = new AtomicLong();
    private final AtomicLong wireBytes = new AtomicLong();
    private final AtomicLong decode = new AtomicLong();
    private final CreditReport credit;
    private final AtomicLong frames = new AtomicLong();
    private final AtomicLong scatter = new AtomicLong();
    private final SeenFrames seen = new SeenFrames();
    private volatile long askedNanos;
    private volatile boolean asked;

    ReadTransfer(Session session, TransferOptions options, int blocks, long expectedBytes) {
        super(session, options, blocks);
        this.expectedBytes = expectedBytes;
        credit = new CreditReport(session, ControlMessages.MINE, this::id);
    }

    /** What to ask the owner for. */
    abstract ByteBuffer request();

    /** Checks a frame against what was asked for and points it at the target. */
    abstract void admit(ArrivingFrame frame, long payloadBytes);

    @Override
    void activate() {
        askedNanos = System.nanoTime();
        asked = true;
        if (!ended() && !ask(request())) {
            fail(Session.peerGone(session.name()));
        } else if (ended()) {
            // It may have ended, and its CANCEL gone out, just before the request did.
            session.send(
                    new MessageWriter(ControlMessages.CANCEL).u8(ControlMessages.MINE).u64(id()));
        }
    }

    private boolean ask(ByteBuffer request) {
        try {
            Requests.requireRoom(session, request.remaining(), "read");
        } catch (TransferException e) {
            fail(e);
            return true;
        }
        return session.send(request);
    }

    @Override
    void stop(TransferOutcome how) {
        if (asked) {
            session.send(
                    new MessageWriter(how.done() ? ControlMessages.DONE : ControlMessages.CANCEL)
                            .u8(ControlMessages.MINE)
                            .u64(id()));
        }
    }

    @Override
    public boolean first(int frameIndex) {
        return seen.first(frameIndex);
    }

    CreditReport credit() {
        return credit;
    }

    @Override
    public void placed(ArrivingFrame frame, long scatterNanos) {
        frames.incrementAndGet();
        scatter.addAndGet(scatterNanos);
        decode.addAndGet(frame.decodeNanos());
        wireBytes.addAndGet(frame.payloadBytes());
        long bytes = frame.rawBytes();
        long total = placedBytes.addAndGet(bytes);
        if (total == expectedBytes) {
            if (end(new TransferOutcome.Done())) {
                options.notification()
                        .ifPresent(message ->
                                session.node()
                                        .tell(listener ->
                                                listener.notified(
                                                        session.peer(), message.clone())));
            }
            return;
        }
        credit.placed(frame.charge());
    }

    @Override
    public void refuse(TransferException reason) {
        fail(reason);
    }

    @Override
    String progress() {
        return placedBytes.get() + " of " + expectedBytes + " bytes are here";
    }

    @Override
    TransferTiming timing(long totalNanos) {
        long queue = asked ? askedNanos - submittedNanos : totalNanos;
        return new TransferTiming(
                totalNanos,
                queue,
                0,
                0,
                Math.max(0, totalNanos - queue),
                decode.get(),
                scatter.get(),
                placedBytes.get(),
                wireBytes.get(),
                0,
                frames.get());
    }
}
