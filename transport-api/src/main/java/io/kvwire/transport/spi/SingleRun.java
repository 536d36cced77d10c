package io.kvwire.transport.spi;

import java.lang.foreign.MemorySegment;

/**
 * One contiguous piece of memory as a payload; nothing at all when it has no bytes. May be used
 * again for another. Confined to one thread at a time.
 */
public final class SingleRun implements RunCursor {
    private MemorySegment memory = MemorySegment.NULL;
    private long offset;
    private long length;
    private boolean walked = true;

    /** Makes a walk over nothing, until {@link #start}. */
    public SingleRun() {}

    /**
     * {@return a walk over all of some memory}
     *
     * @param memory to walk over once
     */
    public static SingleRun of(MemorySegment memory) {
        return new SingleRun().start(memory, 0, memory.byteSize());
    }

    /**
     * Begins another walk.
     *
     * @param in the memory that the run lies in
     * @param from its start in there, in bytes
     * @param bytes its length; 0 for no run
     * @return this
     */
    public SingleRun start(MemorySegment in, long from, long bytes) {
        memory = in;
        offset = from;
        length = bytes;
        walked = bytes == 0;
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
        return offset;
    }

    @Override
    public long length() {
        return length;
    }
}
