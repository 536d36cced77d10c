package io.kvwire.tcp;

import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;

/** The cursor over nothing. */
enum NoRuns implements RunCursor {
    INSTANCE;

    @Override
    public boolean next() {
        return false;
    }

    @Override
    public MemorySegment segment() {
        return MemorySegment.NULL;
    }

    @Override
    public long offset() {
        return 0;
    }

    @Override
    public long length() {
        return 0;
    }
}
