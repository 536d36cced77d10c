package io.kvwire.transport.core;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;
import io.kvwire.transport.TransferOutcome;
import io.kvwire.transport.TransferTiming;

import java.util.function.Function;

/** A WRITE that this node initiated: ends when the responder says that every byte is in place. */
final class WriteTransfer extends OngoingTransfer implements Sender.Owner {
    private final Function<WriteTransfer, Sender> makeSender;
    private final Pinned source;
    private final long expectedBytes;
    private volatile Sender sender;
    private volatile CodecExperience.Watch watch;

    /**
     * Takes over what the caller has pinned.
     *
     * @param makeSender called once the transfer has its id
     */
    WriteTransfer(
            Session session,
            TransferOptions options,
            int blocks,
            long expectedBytes,
            Function<WriteTransfer, Sender> makeSender,
            Pinned source) {
        super(session, options, blocks);
        this.expectedBytes = expectedBytes;
        this.makeSender = makeSender;
        this.source = source;
    }

    @Override
    void activate() {
        var frames = makeSender.apply(this);
        sender = frames;
        if (ended()) {
            frames.finish(session.outbox());
            return;
        }
        options.notification()
                .ifPresent(message ->
                        session.send(
                                new MessageWriter(ControlMessages.ATTACH)
                                        .u64(id())
                                        .bytes(message)));
        session.outbox().add(frames);
    }

    Sender sender() {
        return sender;
    }

    /** Who wants to know how long it takes. */
    void watched(CodecExperience.Watch by) {
        watch = by;
    }

    @Override
    void stop(TransferOutcome how) {
        var watching = watch;
        if (watching != null && how.done()) {
            watching.done(System.nanoTime());
        }
        var frames = sender;
        if (frames != null) {
            if (!how.done()) {
                session.send(
                        new MessageWriter(ControlMessages.CANCEL)
                                .u8(ControlMessages.MINE)
                                .u64(id()));
            }
            frames.finish(session.outbox());
            session.outbox().pump();
        }
    }

    @Override
    public boolean wanted() {
        return !ended();
    }

    @Override
    public void lost(TransferException reason) {
        fail(reason);
    }

    @Override
    Object memory() {
        return source.memory();
    }

    @Override
    void quiet() {
        source.unpin().run();
    }

    @Override
    String progress() {
        var frames = sender;
        return frames == null
                ? "it still waits for a slot"
                : frames.sentBytes.get() + " of " + expectedBytes + " bytes are sent";
    }

    @Override
    TransferTiming timing(long totalNanos) {
        var frames = sender;
        if (frames == null || frames.firstFrameNanos == 0) {
            return new TransferTiming(totalNanos, totalNanos, 0, 0, 0, 0, 0, 0, 0, 0, 0);
        }
        long queue = frames.firstFrameNanos - submittedNanos;
        return new TransferTiming(
                totalNanos,
                queue,
                frames.creditWaitNanos.get(),
                frames.gatherNanos.get() + frames.encodeNanos.get(),
                Math.max(0, totalNanos - queue),
                0,
                0,
                frames.sentBytes.get(),
                frames.wireBytes.get(),
                frames.descriptors.get(),
                frames.framesCut());
    }
}
