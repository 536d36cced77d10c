package io.kvwire.tck.fault;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/** A node's ear for one link, on which lanes break, and frames stall, spoil and come twice. */
final class FaultyHandler implements LinkHandler {
    private final NodeFaults faults;
    private final LinkHandler handler;
    private final FaultyLink link;
    private final ReentrantReadWriteLock ending = new ReentrantReadWriteLock();
    private boolean closed;

    FaultyHandler(NodeFaults faults, LinkHandler handler, FaultyLink link) {
        this.faults = faults;
        this.handler = handler;
        this.link = link;
    }

    @Override
    public InboundFrame begin(ByteBuffer header, long payloadBytes) {
        if (faults.presence() == NodeFaults.Presence.VANISHED) {
            return IgnoredFrame.INSTANCE;
        }
        if (faults.fate().strikes(Fault.LOSE_LANE)) {
            throw new TransferException(
                    ErrorCode.LANE_LOST, "the fault injector broke the lane under this frame");
        }
        var again = new byte[0];
        if (faults.fate().strikes(Fault.REPEAT_FRAME)) {
            again = new byte[header.remaining()];
            header.get(header.position(), again);
        }
        var frame = handler.begin(header, payloadBytes);
        if (payloadBytes == 0) {
            return frame;
        }
        faults.stalls().at(StallPoint.BEFORE_PAYLOAD);
        return new FaultyFrame(frame, faults, repeat(again, payloadBytes));
    }

    private Runnable repeat(byte[] header, long payloadBytes) {
        return header.length == 0
                ? () -> {}
                : () -> {
                    again(header, payloadBytes);
                    faults.later(() -> again(header, payloadBytes));
                };
    }

    /** Announces the frame once more; where it is accepted, the same bytes are in place already. */
    private void again(byte[] header, long payloadBytes) {
        ending.readLock().lock();
        try {
            if (!closed) {
                var bytes = ByteBuffer.wrap(header).order(ByteOrder.LITTLE_ENDIAN);
                var frame = handler.begin(bytes, payloadBytes);
                if (frame.target().next() && !frame.revoked()) {
                    frame.complete(0, 0);
                } else {
                    frame.abort();
                }
            }
        } finally {
            ending.readLock().unlock();
        }
    }

    @Override
    public void laneLost(int lane, TransferException reason) {
        handler.laneLost(lane, reason);
    }

    @Override
    public void closed(TransferException reason) {
        ending.writeLock().lock();
        try {
            closed = true;
        } finally {
            ending.writeLock().unlock();
        }
        link.ending();
        handler.closed(reason);
    }
}
