package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * Takes data frames apart: prefix and header into a small buffer, the payload straight into the
 * runs of its target, as many of them in one read as fit.
 *
 * <p>Confined to the event loop of its lane; allocates nothing once warm.
 */
final class FrameReader extends Inlet {
    private static final int SCRATCH_BYTES = 64 << 10;

    private enum Part {
        PREFIX,
        HEADER,
        PAYLOAD
    }

    private final LinkHandler handler;
    private final int maxRuns;
    private final int readBytes;

    private final ByteBuffer prefix = direct(FramePrefix.BYTES);
    private ByteBuffer header = direct(4 << 10);
    private Part part = Part.PREFIX;
    private long payloadBytes;

    /** The frame whose payload is arriving, or null. */
    private InboundFrame frame;

    private RunCursor target = NoRuns.INSTANCE;

    /**
     * Payload that has not arrived, and the part of it that has no room among the runs below yet.
     */
    private long payloadLeft;

    private long unplaced;

    /**
     * The runs that come next, from {@code firstRun} to {@code endRun}; the first may be filled in
     * part.
     */
    private final MemorySegment[] memory;

    private final long[] offset;
    private final long[] length;
    private int firstRun;
    private int endRun;
    private long runBytes;

    private boolean discarding;
    private ByteBuffer scratch = ByteBuffer.allocate(0);
    private long copiedBytes;
    private long copyNanos;

    /**
     * @param pieces how they are read; room for one more than {@code maxRuns}
     * @param handler told of each frame
     * @param maxRuns how many runs one read may fill, at least 1
     * @param readBytes how many bytes one read asks for
     */
    FrameReader(Pieces pieces, LinkHandler handler, int maxRuns, int readBytes) {
        super(pieces);
        this.handler = handler;
        this.maxRuns = maxRuns;
        this.readBytes = readBytes;
        memory = new MemorySegment[maxRuns];
        offset = new long[maxRuns];
        length = new long[maxRuns];
    }

    @Override
    void prepare() {
        pieces.clear();
        switch (part) {
            case PREFIX -> pieces.add(prefix);
            case HEADER -> pieces.add(header);
            case PAYLOAD -> preparePayload();
        }
    }

    @Override
    Inlet advance(int bytes) {
        switch (part) {
            case PREFIX -> endPrefix();
            case HEADER -> endHeader();
            case PAYLOAD -> advancePayload(bytes);
        }
        return this;
    }

    @Override
    void end() {
        if (frame != null) {
            var ended = frame;
            frame = null;
            ended.abort();
        }
    }

    @Override
    int fill(ByteBuffer source) {
        if (part != Part.PAYLOAD) {
            return super.fill(source);
        }
        long start = System.nanoTime();
        int bytes = super.fill(source);
        copyNanos += System.nanoTime() - start;
        if (!discarding) {
            copiedBytes += Math.min(bytes, payloadLeft);
        }
        return bytes;
    }

    /** {@return where in a frame the connection is, for errors} */
    String position() {
        return switch (part) {
            case PREFIX -> prefix.position() == 0 ? "between frames" : "in the prefix of a frame";
            case HEADER -> "in the header of a frame";
            case PAYLOAD ->
                    "in a frame, " + payloadLeft + " of " + payloadBytes + " payload bytes short";
        };
    }

    /** Lets go of memory that was not used for a while. */
    void sweep() {
        if (part != Part.PAYLOAD) {
            Arrays.fill(memory, MemorySegment.NULL);
            pieces.sweep();
        }
    }

    private void endPrefix() {
        if (prefix.hasRemaining()) {
            return;
        }
        prefix.flip();
        int headerBytes = FramePrefix.headerBytes(prefix);
        payloadBytes = FramePrefix.payloadBytes(prefix);
        prefix.clear();
        if (header.capacity() < headerBytes) {
            header = direct(FramePrefix.MAX_HEADER_BYTES);
        }
        header.clear().limit(headerBytes);
        part = Part.HEADER;
        if (headerBytes == 0) {
            endHeader();
        }
    }

    private void endHeader() {
        if (header.hasRemaining()) {
            return;
        }
        header.flip();
        frame = handler.begin(header, payloadBytes);
        target = frame.target();
        part = Part.PAYLOAD;
        payloadLeft = payloadBytes;
        unplaced = payloadBytes;
        firstRun = 0;
        endRun = 0;
        runBytes = 0;
        discarding = false;
        copiedBytes = 0;
        copyNanos = 0;
        if (payloadLeft == 0) {
            endFrame();
        } else {
            // A frame without runs is one that the node refuses.
            discarding = !placeRun();
        }
    }

    private void preparePayload() {
        if (!discarding && frame.revoked()) {
            discarding = true;
        }
        if (discarding) {
            if (scratch.capacity() == 0) {
                scratch = direct(SCRATCH_BYTES);
            }
            scratch.clear().limit((int) Math.min(payloadLeft, SCRATCH_BYTES));
            pieces.add(scratch);
            if (payloadLeft > SCRATCH_BYTES) {
                return;
            }
        } else if (!viewRuns()) {
            return;
        }
        // All the rest of this frame fits: the prefix of the next one may arrive in the same read.
        pieces.add(prefix);
    }

    /** {@return whether the views hold all the rest of the payload} */
    private boolean viewRuns() {
        if (firstRun > 0) {
            moveRunsUp();
        }
        while (endRun < maxRuns && runBytes < readBytes && unplaced > 0) {
            if (!placeRun()) {
                throw new TransferException(
                        ErrorCode.INTERNAL,
                        "the target of a frame ends "
                                + unplaced
                                + " bytes before its payload does; the lane is closed");
            }
        }
        long viewed = 0;
        for (int run = 0; run < endRun && viewed < readBytes; run++) {
            int bytes = (int) Math.min(length[run], readBytes - viewed);
            pieces.add(memory[run], offset[run], bytes);
            viewed += bytes;
        }
        return viewed == payloadLeft;
    }

    private void moveRunsUp() {
        int left = endRun - firstRun;
        System.arraycopy(memory, firstRun, memory, 0, left);
        System.arraycopy(offset, firstRun, offset, 0, left);
        System.arraycopy(length, firstRun, length, 0, left);
        firstRun = 0;
        endRun = left;
    }

    private boolean placeRun() {
        if (!target.next()) {
            return false;
        }
        int run = endRun++;
        var segment = target.segment();
        if (memory[run] != segment) {
            memory[run] = segment;
        }
        offset[run] = target.offset();
        length[run] = Math.min(target.length(), unplaced);
        unplaced -= length[run];
        runBytes += length[run];
        return true;
    }

    private void advancePayload(int bytes) {
        long payload = Math.min(bytes, payloadLeft);
        payloadLeft -= payload;
        if (!discarding) {
            consumeRuns(payload);
        }
        if (payloadLeft == 0) {
            endFrame();
            // What came beyond the payload is in the prefix already.
            if (bytes > payload) {
                endPrefix();
            }
        }
    }

    private void consumeRuns(long bytes) {
        runBytes -= bytes;
        if (runBytes == 0) {
            endRun = 0;
            firstRun = 0;
            return;
        }
        long left = bytes;
        while (left > 0) {
            long taken = Math.min(left, length[firstRun]);
            offset[firstRun] += taken;
            length[firstRun] -= taken;
            left -= taken;
            if (length[firstRun] == 0) {
                firstRun++;
            }
        }
    }

    private void endFrame() {
        var ended = frame;
        frame = null;
        target = NoRuns.INSTANCE;
        part = Part.PREFIX;
        // Also when the payload was thrown away: the frame knows, and tells its sender.
        ended.complete(copiedBytes, copyNanos);
    }

    private static ByteBuffer direct(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
