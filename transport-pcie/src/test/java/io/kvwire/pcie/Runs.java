package io.kvwire.pcie;

import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** Runs in a list. */
public final class Runs implements RunCursor {
    private record Run(MemorySegment segment, long offset, long length) {}

    private final List<Run> runs = new ArrayList<>();
    private int index = -1;

    /** Adds one more. */
    public Runs add(MemorySegment segment, long offset, long length) {
        runs.add(new Run(segment, offset, length));
        return this;
    }

    /** {@return the bytes of all} */
    public long bytes() {
        return runs.stream().mapToLong(Run::length).sum();
    }

    /** Goes back to before the first. */
    public Runs again() {
        index = -1;
        return this;
    }

    @Override
    public boolean next() {
        return ++index < runs.size();
    }

    @Override
    public MemorySegment segment() {
        return runs.get(index).segment();
    }

    @Override
    public long offset() {
        return runs.get(index).offset();
    }

    @Override
    public long length() {
        return runs.get(index).length();
    }
}
