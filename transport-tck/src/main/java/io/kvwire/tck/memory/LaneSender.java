package io.kvwire.tck.memory;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Puts frames into one lane, piece by piece, straight from the source. One thread. */
final class LaneSender {
    private final MemoryPath path;
    private final Lane lane;
    private final Pipe pipe;
    private final int index;

    private RunCursor runs;
    private long at;
    private long runLeft;

    LaneSender(MemoryPath path, Lane lane, Pipe pipe, int index) {
        this.path = path;
        this.lane = lane;
        this.pipe = pipe;
        this.index = index;
    }

    void run(MemoryLink link) {
        OutboundFrame frame;
        while ((frame = link.take(lane)) != null) {
            if (!frame.wanted()) {
                frame.released(false);
                continue;
            }
            frame.sending(index);
            boolean sent = false;
            try {
                sent = send(frame);
            } catch (RuntimeException e) {
                lane.breakOff(
                        new TransferException(
                                ErrorCode.LANE_LOST, "a frame could not be read: " + e, e));
            } finally {
                frame.released(sent);
            }
        }
    }

    private boolean send(OutboundFrame frame) {
        var piece = pipe.room();
        if (piece == null) {
            return false;
        }
        var header = frame.header();
        if (header.remaining() > Pipe.PIECE_BYTES) {
            throw new TransferException(
                    ErrorCode.INTERNAL,
                    "header of " + header.remaining() + " bytes: at most " + Pipe.PIECE_BYTES);
        }
        piece.bytes.put(header).flip();
        piece.payloadBytes = frame.payloadBytes();
        pipe.filled();
        runs = frame.payload();
        runLeft = 0;
        for (long left = frame.payloadBytes(); left > 0; ) {
            piece = pipe.room();
            if (piece == null) {
                return false;
            }
            int length = (int) Math.min(left, Pipe.PIECE_BYTES);
            pipe.pause(path.throttle().reserveNanos(length));
            fill(piece.bytes.array(), length);
            if (path.fabric().cutHere(length)) {
                lane.breakOff(
                        new TransferException(
                                ErrorCode.LANE_LOST,
                                "lane " + index + " was cut " + left + " bytes before its end"));
                return false;
            }
            piece.bytes.limit(length);
            pipe.filled();
            left -= length;
        }
        return true;
    }

    private void fill(byte[] piece, int length) {
        for (int filled = 0; filled < length; ) {
            if (runLeft == 0) {
                if (!runs.next()) {
                    throw new TransferException(
                            ErrorCode.INTERNAL, "the runs of a frame are shorter than its payload");
                }
                at = runs.offset();
                runLeft = runs.length();
            }
            int count = (int) Math.min(runLeft, length - filled);
            MemorySegment.copy(runs.segment(), ValueLayout.JAVA_BYTE, at, piece, filled, count);
            filled += count;
            at += count;
            runLeft -= count;
        }
    }
}
