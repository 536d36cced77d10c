package io.kvwire.transport.core;

import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;

/** The one run of a payload that lies in staging. */
final class StagedRun implements RunCursor {
    private MemorySegment memory = MemorySegment.NULL;
    private long offset;
    private long bytes;
    private boolean given = true;

    void start(MemorySegment staging, long from, long length) {
        memory = staging;
        offset = from;
        bytes = length;
        given = length == 0;
    }

    @Override
    public boolean next() {
        boolean first = !given;
        given = true;
        return first;
    }

    @Override
    public MemorySegment segment() {
        return memory;
    }

    @Override
    public long offset() {
        return offset;
    }

    @Override
    public long length() {
        return bytes;
    }
}
