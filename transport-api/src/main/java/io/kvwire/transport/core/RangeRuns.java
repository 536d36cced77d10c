package io.kvwire.transport.core;

import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Walks a window of the byte stream that a list of strided copies makes, on its source or its
 * target side. Adjacent pieces are merged. Reusable, allocation-free, not thread-safe.
 */
final class RangeRuns implements RunCursor {
    private List<StridedCopy> ranges = List.of();
    private boolean sourceSide;
    private MemorySegment segment = MemorySegment.NULL;
    private int range;
    private int piece;
    private long inPiece;
    private long left;
    private long offset;
    private long length;
    private int walked;

    /** Begins a walk over {@code bytes} bytes from {@code position} of the stream. */
    void start(
            List<StridedCopy> copies,
            boolean ofSource,
            MemorySegment memory,
            long position,
            long bytes) {
        ranges = copies;
        sourceSide = ofSource;
        segment = memory;
        left = bytes;
        walked = 0;
        range = 0;
        long skip = position;
        while (range < ranges.size() && skip >= ranges.get(range).bytes()) {
            skip -= ranges.get(range).bytes();
            range++;
        }
        if (range < ranges.size()) {
            piece = (int) (skip / ranges.get(range).length());
            inPiece = skip % ranges.get(range).length();
        }
    }

    @Override
    public boolean next() {
        if (left == 0) {
            return false;
        }
        offset = here();
        length = 0;
        do {
            long take = Math.min(left, ranges.get(range).length() - inPiece);
            length += take;
            left -= take;
            forward(take);
        } while (left > 0 && here() == offset + length);
        walked++;
        return true;
    }

    private long here() {
        var copy = ranges.get(range);
        return inPiece
                + (sourceSide
                        ? copy.sourceOffset() + piece * copy.sourceStride()
                        : copy.targetOffset() + piece * copy.targetStride());
    }

    private void forward(long bytes) {
        inPiece += bytes;
        if (inPiece < ranges.get(range).length()) {
            return;
        }
        inPiece = 0;
        if (++piece == ranges.get(range).count()) {
            piece = 0;
            do {
                range++;
            } while (range < ranges.size() && ranges.get(range).bytes() == 0);
        }
    }

    /** The runs that {@link #next} has given since the start. */
    int walked() {
        return walked;
    }

    @Override
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public long offset() {
        return offset;
    }

    @Override
    public long length() {
        return length;
    }
}
