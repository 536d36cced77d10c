package io.kvwire.transport.spi;

import java.lang.foreign.MemorySegment;

/**
 * Walks the contiguous pieces of memory that a frame's payload is read from, or goes to, in the
 * order of the bytes on the wire. Allocation-free; confined to one thread at a time.
 */
public interface RunCursor {
    /**
     * Moves to the next run.
     *
     * @return false when there is none
     */
    boolean next();

    /**
     * {@return the memory that the current run lies in: always the same object for one
     * registration}
     */
    MemorySegment segment();

    /** {@return the start of the current run in {@link #segment()}, in bytes} */
    long offset();

    /** {@return the length of the current run, in bytes; at least 1} */
    long length();
}
