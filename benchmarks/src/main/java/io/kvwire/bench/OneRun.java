package io.kvwire.bench;

import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;

/** One slab as one run. Confined to one thread. */
final class OneRun implements RunCursor {
    private MemorySegment segment = MemorySegment.NULL;
    private boolean walked;

    OneRun over(MemorySegment slab) {
        segment = slab;
        walked = false;
        return this;
    }

    @Override
    public boolean next() {
        boolean first = !walked;
        walked = true;
        return first;
    }

    @Override
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public long offset() {
        return 0;
    }

    @Override
    public long length() {
        return segment.byteSize();
    }
}
