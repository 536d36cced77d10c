package io.kvwire.transport.core;

import static io.kvwire.transport.core.FrameHeader.require;

import io.kvwire.transport.RangeTransfer;
import io.kvwire.transport.TransferOptions;

import java.nio.ByteBuffer;

/** A READ of ranges. */
final class RangeRead extends ReadTransfer {
    private final RangeTransfer what;
    private final MemoryRegion region;

    /** The local region is pinned by the caller. */
    RangeRead(Session session, RangeTransfer what, TransferOptions options, long bytes) {
        super(session, options, what.ranges().size(), bytes);
        this.what = what;
        this.region = (MemoryRegion) what.local();
    }

    @Override
    ByteBuffer request() {
        return new ControlMessages.ReadRanges(
                        id(),
                        what.requestId(),
                        options.deadlineNanos(),
                        options.checksum(),
                        what.remote().id(),
                        what.remote().generation(),
                        what.ranges())
                .encode();
    }

    @Override
    void admit(ArrivingFrame frame, long payloadBytes) {
        var fields = frame.fields;
        require(fields.kind == FrameHeader.READ_RANGES, "frame kind ", fields.kind);
        require(
                payloadBytes <= expectedBytes && fields.position <= expectedBytes - payloadBytes,
                "bytes that were not asked for");
        frame.pins.pinRegion(region);
        frame.aimAtRanges(what.ranges(), fields.position, this);
    }

    @Override
    Object memory() {
        return region;
    }

    @Override
    void quiet() {
        region.unpin();
    }
}
