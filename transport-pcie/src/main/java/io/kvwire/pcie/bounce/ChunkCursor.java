package io.kvwire.pcie.bounce;

import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;

/**
 * Walks another cursor's runs a chunk at a time: a run that crosses the end of a chunk is cut
 * there. Confined to one thread.
 */
final class ChunkCursor implements RunCursor {
    private final RunCursor runs;
    private MemorySegment segment = MemorySegment.NULL;
    private long offset;
    private long length;
    private long rest;
    private long nextOffset;
    private long room;
    private long walked;

    ChunkCursor(RunCursor runs) {
        this.runs = runs;
    }

    /** Begins the next chunk, of at most so many bytes. */
    void chunk(long bytes) {
        room = bytes;
        walked = 0;
    }

    /** {@return the bytes of the chunk that were walked} */
    long walked() {
        return walked;
    }

    /** {@return whether there is another run, of any chunk; takes it up} */
    boolean more() {
        if (rest == 0 && runs.next()) {
            segment = runs.segment();
            nextOffset = runs.offset();
            rest = runs.length();
        }
        return rest > 0;
    }

    @Override
    public boolean next() {
        if (room == 0 || !more()) {
            return false;
        }
        offset = nextOffset;
        length = Math.min(rest, room);
        nextOffset += length;
        rest -= length;
        room -= length;
        walked += length;
        return true;
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
