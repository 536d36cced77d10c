package io.kvwire.codec;

import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;

/** Some pieces of memory, one after the other; can be walked again. */
final class Runs implements RunCursor {
    private final MemorySegment segment;
    private final long[] offsetsAndLengths;
    private int at = -2;

    Runs(MemorySegment segment, long... offsetsAndLengths) {
        this.segment = segment;
        this.offsetsAndLengths = offsetsAndLengths;
    }

    static Runs whole(byte[] bytes) {
        return new Runs(MemorySegment.ofArray(bytes), 0, bytes.length);
    }

    Runs again() {
        at = -2;
        return this;
    }

    @Override
    public boolean next() {
        at += 2;
        return at < offsetsAndLengths.length;
    }

    @Override
    public MemorySegment segment() {
        return segment;
    }

    @Override
    public long offset() {
        return offsetsAndLengths[at];
    }

    @Override
    public long length() {
        return offsetsAndLengths[at + 1];
    }
}
