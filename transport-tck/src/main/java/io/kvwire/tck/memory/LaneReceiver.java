package io.kvwire.tck.memory;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Takes frames out of one lane, piece by piece, straight into the target. One thread. */
final class LaneReceiver {
    private final Lane lane;
    private final Pipe pipe;
    private final LinkHandler handler;

    private RunCursor runs;
    private long at;
    private long runLeft;

    LaneReceiver(Lane lane, Pipe pipe, LinkHandler handler) {
        this.lane = lane;
        this.pipe = pipe;
        this.handler = handler;
    }

    void run() {
        try {
            Pipe.Piece header;
            while ((header = pipe.next()) != null) {
                long payloadBytes = header.payloadBytes;
                var frame = handler.begin(header.bytes, payloadBytes);
                pipe.emptied();
                receive(frame, payloadBytes);
            }
        } catch (TransferException e) {
            lane.breakOff(e);
        } catch (RuntimeException e) {
            lane.breakOff(
                    new TransferException(
                            ErrorCode.LANE_LOST, "the node could not take a frame: " + e, e));
        }
    }

    private void receive(InboundFrame frame, long payloadBytes) {
        boolean whole = false;
        try {
            whole = place(frame, payloadBytes);
        } finally {
            if (!whole) {
                frame.abort();
            }
        }
        if (whole) {
            frame.complete(0, 0);
        }
    }

    /** {@return whether every byte is in place; false when some were thrown away or never came} */
    private boolean place(InboundFrame frame, long payloadBytes) {
        runs = frame.target();
        runLeft = 0;
        boolean wanted = true;
        for (long left = payloadBytes; left > 0; ) {
            var piece = pipe.next();
            if (piece == null) {
                return false;
            }
            wanted = wanted && !frame.revoked() && scatter(piece);
            left -= piece.bytes.limit();
            pipe.emptied();
        }
        return wanted;
    }

    /** {@return false when the node has no place for the piece} */
    private boolean scatter(Pipe.Piece piece) {
        int length = piece.bytes.limit();
        for (int placed = 0; placed < length; ) {
            if (runLeft == 0) {
                if (!runs.next()) {
                    return false;
                }
                at = runs.offset();
                runLeft = runs.length();
            }
            int count = (int) Math.min(runLeft, length - placed);
            MemorySegment.copy(
                    piece.bytes.array(), placed, runs.segment(), ValueLayout.JAVA_BYTE, at, count);
            placed += count;
            at += count;
            runLeft -= count;
        }
        return true;
    }
}
