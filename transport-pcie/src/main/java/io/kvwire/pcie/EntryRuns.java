package io.kvwire.pcie;

import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;

/** The pieces of a frame's entries, as runs of one device's memory. */
final class EntryRuns implements RunCursor {
    private final Entries entries;
    private final Supplier<Imports.Region> lookUp;
    private DeviceMemory device;
    private Imports.Region region;

    /**
     * Makes the runs of entries.
     *
     * @param lookUp gives the region of the entry at hand, and has checked that the entry lies in
     *     it
     */
    EntryRuns(Entries entries, Supplier<Imports.Region> lookUp) {
        this.entries = entries;
        this.lookUp = lookUp;
    }

    /** Starts with entries that have just been read, the first of them in memory of a device. */
    EntryRuns start(DeviceMemory of) {
        device = of;
        entries.rewind();
        return this;
    }

    @Override
    public boolean next() {
        if (!entries.next()) {
            return false;
        }
        if (entries.first()) {
            region = lookUp.get();
            LaneMemory.require(
                    region.device().filter(of -> of == device).isPresent(),
                    "a frame of several devices");
        }
        return true;
    }

    @Override
    public MemorySegment segment() {
        return region.shared();
    }

    @Override
    public long offset() {
        return entries.offset();
    }

    @Override
    public long length() {
        return entries.length();
    }
}
