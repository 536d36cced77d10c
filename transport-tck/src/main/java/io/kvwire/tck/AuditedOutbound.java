package io.kvwire.tck;

import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;

/** A frame that the wire owns, until it is released. */
final class AuditedOutbound implements OutboundFrame, RunCursor {
    private final Audit audit;
    private final OutboundFrame frame;
    private final Consumer<AuditedOutbound> carried;
    private final Consumer<AuditedOutbound> done;
    private final AtomicBoolean released = new AtomicBoolean();
    private volatile int lane = -1;
    private long walked;

    AuditedOutbound(
            Audit audit,
            OutboundFrame frame,
            Consumer<AuditedOutbound> carried,
            Consumer<AuditedOutbound> done) {
        this.audit = audit;
        this.frame = frame;
        this.carried = carried;
        this.done = done;
    }

    int lane() {
        return lane;
    }

    private void untilReleased(String what) {
        audit.require(!released.get(), "the wire used the " + what + " of a frame it had released");
    }

    @Override
    public ByteBuffer header() {
        untilReleased("header");
        return frame.header();
    }

    @Override
    public long payloadBytes() {
        untilReleased("length");
        return frame.payloadBytes();
    }

    @Override
    public RunCursor payload() {
        untilReleased("payload");
        return this;
    }

    @Override
    public Optional<DeviceMemory> device() {
        untilReleased("device");
        return frame.device();
    }

    @Override
    public boolean wanted() {
        untilReleased("state");
        return frame.wanted();
    }

    @Override
    public boolean answersRead() {
        untilReleased("kind");
        return frame.answersRead();
    }

    @Override
    public void sending(int onLane) {
        untilReleased("state");
        audit.require(onLane >= 0 && lane < 0, "a frame goes over lanes " + lane + ", " + onLane);
        lane = onLane;
        carried.accept(this);
        frame.sending(onLane);
    }

    @Override
    public void released(boolean sent) {
        if (!released.compareAndSet(false, true)) {
            audit.require(false, "a frame was released twice");
            return;
        }
        audit.require(!sent || lane >= 0, "a frame was sent over no lane");
        audit.require(
                !sent || walked == frame.payloadBytes(),
                "a frame counts as sent, and its payload was not walked to its end");
        done.accept(this);
        audit.ended(this);
        frame.released(sent);
    }

    @Override
    public boolean next() {
        untilReleased("payload");
        boolean more = frame.payload().next();
        if (more) {
            walked += frame.payload().length();
        }
        return more;
    }

    @Override
    public MemorySegment segment() {
        untilReleased("payload");
        return frame.payload().segment();
    }

    @Override
    public long offset() {
        untilReleased("payload");
        return frame.payload().offset();
    }

    @Override
    public long length() {
        untilReleased("payload");
        return frame.payload().length();
    }

    @Override
    public String toString() {
        return "a frame to send" + (lane < 0 ? "" : " over lane " + lane);
    }
}
