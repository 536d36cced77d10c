package io.kvwire.transport.core;

import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Cuts one transfer's bytes into frames: for a WRITE at its initiator, for a READ at its responder.
 * Cutting happens in the outbox, on one thread at a time; everything else may be called from any.
 */
abstract class Sender {
    /** Who sends: told when the last frame is back, and asked whether frames are still wanted. */
    interface Owner {
        boolean wanted();

        /** Counts a frame that touches the source; false when the source has gone quiet. */
        boolean hold();

        void drop();

        /** All of a frame was given to the network. */
        default void carried() {}

        /** A frame did not make it onto the network. */
        void lost(TransferException reason);
    }

    final Owner owner;
    final long transferId;
    final long requestId;
    final long expectedBytes;
    final boolean checksum;
    final boolean notifies;

    /** Set while the outbox has this sender in its queue. */
    final AtomicBoolean queued = new AtomicBoolean();

    final AtomicLong lanes = new AtomicLong();
    final AtomicLong sentBytes = new AtomicLong();
    final AtomicLong wireBytes = new AtomicLong();
    final AtomicLong encodeNanos = new AtomicLong();
    final AtomicLong descriptors = new AtomicLong();
    final AtomicLong gatherNanos = new AtomicLong();
    final AtomicLong creditWaitNanos = new AtomicLong();
    volatile long firstFrameNanos;

    /** Records what becomes of each frame; null without a trace. */
    final TraceLog trace;

    // Whether frames bring a device's memory as it is; written before the first is cut.
    private boolean chosen;
    private volatile boolean fetched;

    private long charged;
    private long confirmed;
    private long held;
    private int framesOut;
    private boolean over;
    private int frameIndex;

    Sender(
            Owner owner,
            long transferId,
            long requestId,
            long expectedBytes,
            boolean checksum,
            boolean notifies,
            TraceLog trace) {
        this.trace = trace;
        this.owner = owner;
        this.transferId = transferId;
        this.requestId = requestId;
        this.expectedBytes = expectedBytes;
        this.checksum = checksum;
        this.notifies = notifies;
    }

    /** Fills the next frame that is ready, at most so many payload bytes; false when none is. */
    abstract boolean cut(PooledFrame frame, int maxPayloadBytes);

    /** Whether {@link #cut} would find something now. */
    abstract boolean hasReady();

    /** Whether the source is copied to staging before it is sent. */
    boolean gathers() {
        return false;
    }

    /** Whether frames with payload go through the codec of the connection. */
    boolean encodes() {
        return false;
    }

    /** Whether the source is memory of a device that neither the host nor the wire can read. */
    boolean onDevice() {
        return false;
    }

    /** Whether frames with payload go through staging, on a thread for it. */
    final boolean stages() {
        return encodes() || (onDevice() && !fetched);
    }

    /** Finds out, once, whether the peer fetches the payload from the device as it is. */
    final void choose(DataLink link) {
        if (!chosen) {
            chosen = true;
            fetched = onDevice() && !checksum && !gathers() && fetchable(link);
        }
    }

    /** Whether the link takes frames with payload in memory of the source's device. */
    boolean fetchable(DataLink link) {
        return false;
    }

    /** Whether cutting does work that does not belong on a thread of the wire. */
    final boolean heavy() {
        return !stages() && (checksum || gathers());
    }

    final void describe(FrameHeader header) {
        header.transferId = transferId;
        header.requestId = requestId;
        header.expectedBytes = expectedBytes;
        header.frameIndex = frameIndex++;
        header.flags =
                (byte)
                        ((checksum ? FrameHeader.FLAG_CHECKSUM : 0)
                                | (notifies ? FrameHeader.FLAG_NOTIFIES : 0));
    }

    final int framesCut() {
        return frameIndex;
    }

    /** Counts a frame that leaves on the receiver's credit. */
    final synchronized void charge(Outbox outbox, long bytes, long credit) {
        framesOut++;
        sentBytes.addAndGet(bytes);
        charged += credit;
        balance(outbox);
    }

    /** A frame turned out smaller than it might have been. */
    final synchronized void refund(Outbox outbox, long credit) {
        charged -= credit;
        balance(outbox);
    }

    /** The receiver has confirmed so many bytes in all; gives their credit back. */
    final synchronized void confirm(Outbox outbox, long total) {
        confirmed = Math.max(confirmed, Math.min(total, charged));
        balance(outbox);
    }

    /** Nothing more will be confirmed: the credit comes back with the last frame. */
    final synchronized void finish(Outbox outbox) {
        over = true;
        balance(outbox);
    }

    final synchronized void frameBack(Outbox outbox) {
        framesOut--;
        balance(outbox);
    }

    final synchronized boolean allBack() {
        return framesOut == 0;
    }

    private void balance(Outbox outbox) {
        long due = over && framesOut == 0 ? 0 : charged - confirmed;
        outbox.inFlight.addAndGet(due - held);
        held = due;
    }
}
