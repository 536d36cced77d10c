package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The pieces of memory of one frame on this side. A cursor may be walked only once; this remembers
 * as much of the walk as was needed to decide how the frame travels, and goes on with the cursor
 * behind that. Reused; confined to one thread.
 */
final class Pieces {
    private static final int FIRST_CAPACITY = 16;

    private MemorySegment[] segments = new MemorySegment[FIRST_CAPACITY];
    private long[] offsets = new long[FIRST_CAPACITY];
    private long[] lengths = new long[FIRST_CAPACITY];
    private int known;
    private long knownBytes;
    private int at;
    private RunCursor cursor;
    private boolean walked;

    void start(RunCursor runs) {
        cursor = runs;
        known = 0;
        knownBytes = 0;
        at = -1;
        walked = false;
    }

    /** Lets go of the frame's memory. */
    void clear() {
        Arrays.fill(segments, 0, known, null);
        cursor = null;
        known = 0;
    }

    /**
     * Walks ahead and remembers; goes on where it has stopped before.
     *
     * @param mostPieces to remember in all
     * @param bytes that the pieces must add up to
     * @return how many there are, or -1 when there are more than that
     * @throws TransferException with {@link ErrorCode#INTERNAL} when the pieces do not add up
     */
    int survey(long mostPieces, long bytes) {
        while (knownBytes < bytes) {
            if (known >= mostPieces) {
                return -1;
            }
            if (!cursor.next()) {
                if (known == 0) {
                    return 0;
                }
                throw shortRuns(bytes - knownBytes);
            }
            remember();
        }
        if (knownBytes > bytes) {
            throw new TransferException(
                    ErrorCode.INTERNAL, "the runs of a frame are longer than its payload");
        }
        walked = true;
        return known;
    }

    static TransferException shortRuns(long missing) {
        return new TransferException(
                ErrorCode.INTERNAL,
                "the runs of a frame are " + missing + " bytes shorter than its payload");
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
        knownBytes += lengths[known];
        known++;
    }

    /** {@return whether the walk has shown a piece} */
    boolean any() {
        return known > 0;
    }

    /** {@return the memory of the first piece, when there is {@linkplain #any any}} */
    MemorySegment first() {
        return segments[0];
    }

    void rewind() {
        at = -1;
    }

    /** {@return whether there is one more piece, to which it moves} */
    boolean next() {
        if (at < known) {
            at++;
        }
        return at < known || (!walked && cursor.next());
    }

    MemorySegment segment() {
        return at < known ? segments[at] : cursor.segment();
    }

    long offset() {
        return at < known ? offsets[at] : cursor.offset();
    }

    long length() {
        return at < known ? lengths[at] : cursor.length();
    }

    /** Walks to the end: what is thrown away counts as given to the network, too. */
    void finish() {
        while (next()) {
            // Nothing is done with it.
        }
    }
}
