package io.kvwire.tck;

import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/** A frame that the wire fills, until it ends it. */
final class AuditedInbound implements InboundFrame, RunCursor {
    private final Audit audit;
    private final InboundFrame frame;
    private final long payloadBytes;
    private final Runnable done;
    private final AtomicBoolean ended = new AtomicBoolean();
    private long walked;

    AuditedInbound(Audit audit, InboundFrame frame, long payloadBytes, Runnable done) {
        this.audit = audit;
        this.frame = frame;
        this.payloadBytes = payloadBytes;
        this.done = done;
    }

    private void untilEnded(String what) {
        audit.require(!ended.get(), "the wire used the " + what + " of a frame it had ended");
    }

    private boolean end() {
        boolean first = ended.compareAndSet(false, true);
        audit.require(first, "an arriving frame was ended twice");
        if (first) {
            done.run();
            audit.ended(this);
        }
        return first;
    }

    @Override
    public RunCursor target() {
        untilEnded("target");
        return this;
    }

    @Override
    public boolean direct(DeviceMemory device) {
        untilEnded("target");
        audit.require(walked == 0, "the wire asked for another target after it had begun");
        return frame.direct(device);
    }

    @Override
    public boolean revoked() {
        untilEnded("state");
        return frame.revoked();
    }

    @Override
    public void complete(long copiedBytes, long scatterNanos) {
        audit.require(
                copiedBytes >= 0 && copiedBytes <= payloadBytes && scatterNanos >= 0,
                "copied " + copiedBytes + " of " + payloadBytes + " bytes");
        audit.require(
                walked == payloadBytes || frame.revoked(),
                "a frame counts as whole, and its target was not walked to its end");
        if (end()) {
            frame.complete(copiedBytes, scatterNanos);
        }
    }

    @Override
    public void abort() {
        if (end()) {
            frame.abort();
        }
    }

    @Override
    public boolean next() {
        untilEnded("target");
        boolean more = frame.target().next();
        if (more) {
            walked += frame.target().length();
        }
        return more;
    }

    @Override
    public MemorySegment segment() {
        untilEnded("target");
        return frame.target().segment();
    }

    @Override
    public long offset() {
        untilEnded("target");
        return frame.target().offset();
    }

    @Override
    public long length() {
        untilEnded("target");
        return frame.target().length();
    }

    @Override
    public String toString() {
        return "an arriving frame of " + payloadBytes + " bytes";
    }
}
