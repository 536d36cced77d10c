package io.kvwire.tck.fault;

import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;

/** A frame that reaches nobody: its payload has no place to go. */
final class IgnoredFrame implements InboundFrame, RunCursor {
    static final IgnoredFrame INSTANCE = new IgnoredFrame();

    private IgnoredFrame() {}

    @Override
    public RunCursor target() {
        return this;
    }

    @Override
    public boolean revoked() {
        return true;
    }

    @Override
    public void complete(long copiedBytes, long scatterNanos) {}

    @Override
    public void abort() {}

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
