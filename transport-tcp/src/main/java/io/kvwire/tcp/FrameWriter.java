package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Turns queued frames into gathered writes: prefix, header and the runs of the payload, straight
 * from the source memory, many small frames or a part of a large one at a time.
 *
 * <p>A frame is released as sent once its last byte was given to the network. Confined to the event
 * loop of its lane; allocates nothing once warm.
 */
final class FrameWriter extends Outlet {
    /** Where frames come from and go back to. */
    interface FrameQueue {
        /** {@return the next frame, or null when there is none} */
        OutboundFrame poll();

        /**
         * Gives a frame back.
         *
         * @param frame that {@link #poll} gave
         * @param sent whether all of it was given to the network
         */
        void release(OutboundFrame frame, boolean sent);
    }

    /** Holds batches back until a rate allows them. */
    interface Gate {
        /** Lets everything pass at once. */
        Gate OPEN =
                new Gate() {
                    @Override
                    public void announce(long bytes, boolean afterPause) {
                        // Nothing is held back.
                    }

                    @Override
                    public boolean passable() {
                        return true;
                    }
                };

        /**
         * Takes note of the next batch.
         *
         * @param bytes of it
         * @param afterPause whether there was nothing to send before it
         */
        void announce(long bytes, boolean afterPause);

        /** {@return whether the batch may go now; otherwise the pump is kicked when it may} */
        boolean passable();
    }

    /** The most frames in one gathered write. */
    private static final int MAX_FRAMES = 256;

    private final int lane;
    private final FrameQueue queue;
    private final Gate gate;
    private final int batchBytes;
    private final ByteBuffer[] prefixes = new ByteBuffer[MAX_FRAMES];

    /** The frames that end in this batch, and where, in bytes from its start. */
    private final OutboundFrame[] ending = new OutboundFrame[MAX_FRAMES];

    private final long[] endsAt = new long[MAX_FRAMES];
    private int firstEnding;
    private int endings;
    private int started;
    private long gatheredBytes;
    private long writtenBytes;
    private boolean pause = true;

    /** The frame whose payload is being gathered, or null. */
    private OutboundFrame current;

    private RunCursor runs = NoRuns.INSTANCE;
    private long payloadLeft;
    private MemorySegment memory = MemorySegment.NULL;
    private long offset;
    private long runLeft;

    /**
     * @param pieces how they are written
     * @param lane that the frames are told
     * @param queue gives the next frame
     * @param gate holds batches back
     * @param batchBytes about how much goes into one write
     */
    FrameWriter(Pieces pieces, int lane, FrameQueue queue, Gate gate, int batchBytes) {
        super(pieces);
        this.lane = lane;
        this.queue = queue;
        this.gate = gate;
        this.batchBytes = batchBytes;
        var block = ByteBuffer.allocateDirect(MAX_FRAMES * FramePrefix.BYTES);
        for (int i = 0; i < MAX_FRAMES; i++) {
            prefixes[i] =
                    block.slice(i * FramePrefix.BYTES, FramePrefix.BYTES)
                            .order(ByteOrder.LITTLE_ENDIAN);
        }
    }

    @Override
    boolean prepare() {
        if (!gathered()) {
            gather();
        }
        return gathered() && gate.passable();
    }

    private void gather() {
        startBatch();
        while (gatheredBytes < batchBytes && pieces.fits(1)) {
            if (current == null && !startFrame()) {
                break;
            }
            gatherPayload();
        }
        if (gatheredBytes > 0) {
            gate.announce(gatheredBytes, pause);
        }
        pause = gatheredBytes == 0;
    }

    @Override
    void advance(long bytes) {
        writtenBytes += bytes;
        while (firstEnding < endings && endsAt[firstEnding] <= writtenBytes) {
            queue.release(ending[firstEnding++], true);
        }
    }

    @Override
    void end() {
        while (firstEnding < endings) {
            queue.release(ending[firstEnding++], false);
        }
        if (current != null) {
            queue.release(current, false);
            current = null;
        }
        pieces.clear();
    }

    /** Lets go of memory that was not used for a while. */
    void sweep() {
        if (!gathered()) {
            pieces.sweep();
        }
    }

    private void startBatch() {
        pieces.clear();
        firstEnding = 0;
        endings = 0;
        started = 0;
        gatheredBytes = 0;
        writtenBytes = 0;
    }

    private boolean startFrame() {
        // A frame takes a prefix, a header and at least one run; one may have been started before
        // this batch.
        if (!pieces.fits(3) || started == MAX_FRAMES || endings == MAX_FRAMES) {
            return false;
        }
        var frame = queue.poll();
        while (frame != null && !frame.wanted()) {
            queue.release(frame, false);
            frame = queue.poll();
        }
        if (frame == null) {
            return false;
        }
        current = frame;
        frame.sending(lane);
        var header = frame.header();
        payloadLeft = frame.payloadBytes();
        runs = frame.payload();
        runLeft = 0;
        var prefix = prefixes[started++].clear();
        FramePrefix.put(prefix, header.remaining(), payloadLeft);
        int headerBytes = header.remaining();
        pieces.add(prefix.flip());
        pieces.add(header);
        gatheredBytes += FramePrefix.BYTES + headerBytes;
        return true;
    }

    private void gatherPayload() {
        while (payloadLeft > 0 && gatheredBytes < batchBytes && pieces.fits(1)) {
            if (runLeft == 0) {
                nextRun();
            }
            int bytes = (int) Math.min(runLeft, batchBytes - gatheredBytes);
            pieces.add(memory, offset, bytes);
            offset += bytes;
            runLeft -= bytes;
            payloadLeft -= bytes;
            gatheredBytes += bytes;
        }
        if (payloadLeft == 0) {
            ending[endings] = current;
            endsAt[endings++] = gatheredBytes;
            current = null;
        }
    }

    private void nextRun() {
        if (!runs.next()) {
            throw new TransferException(
                    ErrorCode.INTERNAL,
                    "the runs of a frame end "
                            + payloadLeft
                            + " bytes before its payload does; lane "
                            + lane
                            + " is closed");
        }
        var segment = runs.segment();
        if (memory != segment) {
            memory = segment;
        }
        offset = runs.offset();
        runLeft = Math.min(runs.length(), payloadLeft);
    }
}
