package io.kvwire.transport.core;

import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** Gives the credit of one transfer's frames back to their sender. Thread-safe. */
final class CreditReport {
    private final Session session;
    private final int whose;
    private final LongSupplier transferId;
    private final AtomicLong charged = new AtomicLong();
    private final AtomicLong reported = new AtomicLong();

    /**
     * Nothing has come yet.
     *
     * @param transferId asked for when something has come, so once there is one
     * @param whose {@link ControlMessages#YOURS} or {@link ControlMessages#MINE}
     */
    CreditReport(Session session, int whose, LongSupplier transferId) {
        this.session = session;
        this.whose = whose;
        this.transferId = transferId;
    }

    /** Counts a frame that is in place and not the last. */
    void placed(long charge) {
        if (charged.addAndGet(charge) - reported.get() >= session.remote().reportEveryBytes()) {
            report();
        }
        session.inbox().placed(charge);
    }

    /** Tells the sender of what it does not know. */
    void report() {
        long total = charged.get();
        long before = reported.get();
        if (total > before && reported.compareAndSet(before, total)) {
            session.send(
                    new MessageWriter(ControlMessages.PROGRESS)
                            .u8(whose)
                            .u64(transferId.getAsLong())
                            .u64(total));
        }
    }
}
