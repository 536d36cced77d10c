package io.kvwire.codec;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Walks whole rows over the runs of a source or of a target: in place where a run holds them, else
 * in a row of its own that is put together from several runs, or spread over them. Confined to one
 * thread.
 */
final class RowRuns {
    private static final int COMMON_ROW_BYTES = 4096;
    private static final int ALIGNMENT = 64;

    private MemorySegment scratch = Arena.ofAuto().allocate(COMMON_ROW_BYTES, ALIGNMENT);
    private RunCursor runs;
    private int rowBytes;
    private boolean writing;
    private boolean unspread;
    private MemorySegment run = MemorySegment.NULL;
    private long at;
    private long left;
    private MemorySegment rows = MemorySegment.NULL;
    private long rowsAt;

    /** Begins to read rows from the runs of a source. */
    void read(RunCursor source, int bytesOfRow) {
        start(source, bytesOfRow);
        writing = false;
    }

    /** Begins to write rows to the runs of a target. */
    void write(RunCursor target, int bytesOfRow) {
        start(target, bytesOfRow);
        writing = true;
    }

    private void start(RunCursor cursor, int bytesOfRow) {
        runs = cursor;
        rowBytes = bytesOfRow;
        left = 0;
        unspread = false;
        if (scratch.byteSize() < bytesOfRow) {
            scratch = Arena.ofAuto().allocate(bytesOfRow, ALIGNMENT);
        }
    }

    /**
     * Moves on by some rows. When writing, those of the call before are filled by now.
     *
     * @param most how many at most, at least 1
     * @return how many; they lie one behind the other
     */
    int next(int most) {
        spread();
        if (left == 0) {
            advance();
        }
        if (left < rowBytes) {
            rows = scratch;
            rowsAt = 0;
            if (writing) {
                unspread = true;
            } else {
                transfer(false);
            }
            return 1;
        }
        int count = (int) Math.min(most, left / rowBytes);
        rows = run;
        rowsAt = at;
        skip((long) count * rowBytes);
        return count;
    }

    /** {@return the memory that the rows lie in} */
    MemorySegment segment() {
        return rows;
    }

    /** {@return the start of the rows, in bytes} */
    long offset() {
        return rowsAt;
    }

    /** Ends after the last row, which must be the end of the last run. */
    void finish() {
        spread();
        if (left != 0 || runs.next()) {
            throw wrongLength("longer");
        }
        run = MemorySegment.NULL;
        rows = MemorySegment.NULL;
    }

    private void spread() {
        if (unspread) {
            unspread = false;
            transfer(true);
        }
    }

    /** Copies the row of our own to where the runs go on, or from there. */
    private void transfer(boolean toRuns) {
        long done = 0;
        while (done < rowBytes) {
            if (left == 0) {
                advance();
            }
            long piece = Math.min(left, rowBytes - done);
            if (toRuns) {
                MemorySegment.copy(scratch, done, run, at, piece);
            } else {
                MemorySegment.copy(run, at, scratch, done, piece);
            }
            done += piece;
            skip(piece);
        }
    }

    private void advance() {
        if (!runs.next()) {
            throw wrongLength("shorter");
        }
        run = runs.segment();
        at = runs.offset();
        left = runs.length();
    }

    private void skip(long bytes) {
        at += bytes;
        left -= bytes;
    }

    private static TransferException wrongLength(String how) {
        return new TransferException(
                ErrorCode.OUT_OF_RANGE, "the runs are " + how + " than the slab");
    }
}
