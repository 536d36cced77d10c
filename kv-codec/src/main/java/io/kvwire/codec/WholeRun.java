package io.kvwire.codec;

import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;

/** One run, from the start of some memory. Reused; confined to one thread. */
final class WholeRun implements RunCursor {
    private MemorySegment memory = MemorySegment.NULL;
    private long bytes;
    private boolean walked;

    /** Begins a walk over so many bytes. */
    WholeRun start(MemorySegment of, long length) {
        memory = of;
        bytes = length;
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
        return memory;
    }

    @Override
    public long offset() {
        return 0;
    }

    @Override
    public long length() {
        return bytes;
    }
}
