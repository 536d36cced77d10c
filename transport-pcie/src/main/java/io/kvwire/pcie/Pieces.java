package io.kvwire.pcie;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The pieces of memory of a frame that is sent. A cursor may be walked only once; this remembers as
 * much of the walk as it took to decide how the frame travels, and goes on with the cursor behind
 * that. Reused; confined to one thread.
 */
final class Pieces implements RunCursor {
    private static final int FIRST_CAPACITY = 16;

    private MemorySegment[] segments = new MemorySegment[FIRST_CAPACITY];
    private long[] offsets = new long[FIRST_CAPACITY];
    private long[] lengths = new long[FIRST_CAPACITY];
    private int known;
    private int at;
    private boolean walked;
    private RunCursor cursor;

    // What is left of the piece that is being copied.
    private long pieceAt;
    private long pieceLeft;

    /**
     * Walks ahead.
     *
     * @param most pieces to remember
     * @return false when there are more
     */
    boolean survey(RunCursor runs, long bytes, long most) {
        cursor = runs;
        known = 0;
        walked = false;
        rewind();
        for (long left = bytes; left > 0; left -= cursor.length()) {
            if (known >= most) {
                return false;
            }
            if (!cursor.next()) {
                throw shortBy(left);
            }
            remember();
        }
        walked = true;
        return true;
    }

    private static TransferException shortBy(long bytes) {
        return new TransferException(
                ErrorCode.INTERNAL,
                "the runs of a frame are " + bytes + " bytes shorter than its payload");
    }

    private void remember() {
        if (known == segments.length) {
            segments = Arrays.copyOf(segments, 2 * known);
            offsets = Arrays.copyOf(offsets, 2 * known);
            lengths = Arrays.copyOf(lengths, 2 * known);
        }
        segments[known] = cursor.segment();
        offsets[known] = cursor.offset();
        lengths[known] = cursor.length();
        known++;
    }

    void rewind() {
        at = -1;
        pieceLeft = 0;
    }

    /** Takes memory that the payload was brought to instead of the cursor's. */
    void replace(MemorySegment memory) {
        clear();
        segments[0] = memory;
        offsets[0] = 0;
        lengths[0] = memory.byteSize();
        known = 1;
        walked = true;
        rewind();
    }

    /** {@return whether there is one more piece, to which it moves} */
    @Override
    public boolean next() {
        if (at < known) {
            at++;
        }
        return at < known || (!walked && cursor.next());
    }

    @Override
    public MemorySegment segment() {
        return at < known ? segments[at] : cursor.segment();
    }

    @Override
    public long offset() {
        return at < known ? offsets[at] : cursor.offset();
    }

    @Override
    public long length() {
        return at < known ? lengths[at] : cursor.length();
    }

    /** Copies the next bytes of the pieces. */
    void copy(MemorySegment to, long where, long bytes) {
        for (long copied = 0; copied < bytes; ) {
            if (pieceLeft == 0) {
                if (!next()) {
                    throw shortBy(bytes - copied);
                }
                pieceAt = offset();
                pieceLeft = length();
            }
            long count = Math.min(pieceLeft, bytes - copied);
            MemorySegment.copy(segment(), pieceAt, to, where + copied, count);
            copied += count;
            pieceAt += count;
            pieceLeft -= count;
        }
    }

    /** Lets go of the frame's memory. */
    void clear() {
        Arrays.fill(segments, 0, known, null);
        known = 0;
        cursor = null;
    }
}
