package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/** The answer to a peer's READ: sends the frames, under a lease where one was named. */
final class ReadReply implements Sender.Owner {
    final long transferId;
    private final Session session;
    private final Optional<Leases.Held> lease;
    private final Pinned source;
    private final AtomicInteger holds = new AtomicInteger(1);
    private final AtomicBoolean over = new AtomicBoolean();
    private volatile Sender sender;
    private volatile Future<?> deadline;

    /** Takes over what the caller has pinned. */
    ReadReply(Session session, long transferId, Optional<Leases.Held> lease, Pinned source) {
        this.session = session;
        this.transferId = transferId;
        this.lease = lease;
        this.source = source;
    }

    void start(Sender frames, long deadlineNanos) {
        sender = frames;
        deadline = session.node().after(deadlineNanos, () -> end());
        session.outbox().add(frames);
    }

    Object memory() {
        return source.memory();
    }

    Sender sender() {
        return sender;
    }

    @Override
    public boolean wanted() {
        if (over.get()) {
            return false;
        }
        if (lease.isPresent() && !lease.get().valid()) {
            refuse(
                    new TransferException(
                            ErrorCode.LEASE_EXPIRED,
                            "the lease of request "
                                    + lease.get().requestId()
                                    + " ran out during the read: renew it in time"));
            return false;
        }
        return true;
    }

    @Override
    public boolean hold() {
        int now;
        do {
            now = holds.get();
            if (now == 0) {
                return false;
            }
        } while (!holds.compareAndSet(now, now + 1));
        return true;
    }

    @Override
    public void drop() {
        if (holds.decrementAndGet() == 0) {
            source.unpin().run();
        }
    }

    /** Data flows: the lease it is read under lasts on. */
    @Override
    public void carried() {
        lease.ifPresent(Leases.Held::touch);
    }

    void refuse(TransferException reason) {
        if (end()) {
            session.sendFailure(ControlMessages.YOURS, transferId, reason);
        }
    }

    @Override
    public void lost(TransferException reason) {
        refuse(reason);
    }

    /** Sends no more; the initiator knows or is told by the caller. */
    boolean end() {
        if (!over.compareAndSet(false, true)) {
            return false;
        }
        var timer = deadline;
        if (timer != null) {
            timer.cancel(false);
        }
        session.replies.remove(transferId, this);
        var frames = sender;
        if (frames != null) {
            frames.finish(session.outbox());
        }
        drop();
        return true;
    }
}
