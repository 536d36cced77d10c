package io.kvwire.pcie;

import io.kvwire.transport.spi.GrantedMemory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Memory of the other process that this one reads in place: a {@link HostGrant}, opened. */
final class HostWindow implements GrantedMemory {
    private final Arena arena = Arena.ofShared();
    private final List<ImportedFile> files = new ArrayList<>();
    private final List<MemorySegment> segments = new ArrayList<>();
    private Marks.Mark mark;

    private HostWindow() {}

    /** The regions of the lane that a grant names, by their ids. */
    interface Regions {
        Imports.Region region(int id);
    }

    /**
     * Opens a grant, on the thread of the lane that it names.
     *
     * @param regions of that lane
     * @param in the token, behind the number of the lane
     */
    static HostWindow open(Regions regions, ByteBuffer in) {
        LaneMemory.require(in.remaining() >= HostGrant.HEAD_BYTES, "a grant that ends early");
        int region = in.getInt();
        long offset = in.getLong();
        long stamp = in.getLong();
        int count = in.getInt();
        LaneMemory.require(
                offset % Long.BYTES == 0
                        && count >= 0
                        && in.remaining() == (long) count * HostGrant.SEGMENT_BYTES,
                "a grant of " + count + " segments");
        var window = new HostWindow();
        try {
            window.mark = new Marks.Mark(window.map(regions, region, offset, Long.BYTES), 0, stamp);
            for (int i = 0; i < count; i++) {
                window.segments.add(window.map(regions, in.getInt(), in.getLong(), in.getLong()));
            }
            return window;
        } catch (RuntimeException e) {
            window.close();
            throw e;
        }
    }

    /** A part of what the other process has shown, for as long as this window is open. */
    @SuppressWarnings("restricted") // its file stays mapped until this window is closed
    private MemorySegment map(Regions regions, int id, long offset, long bytes) {
        var region = regions.region(id);
        LaneMemory.require(region.file().isPresent(), "a grant of memory that is not shared");
        LaneMemory.require(
                offset >= 0 && bytes >= 0 && offset <= region.bytes() - bytes,
                "a grant past the end of a region");
        var file = region.file().get();
        file.retain();
        files.add(file);
        return file.memory().asSlice(offset, bytes).reinterpret(arena, _ -> {});
    }

    @Override
    public List<MemorySegment> segments() {
        return List.copyOf(segments);
    }

    @Override
    public boolean current() {
        try {
            return mark.set();
        } catch (IllegalStateException e) {
            return false; // closed
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            if (!arena.scope().isAlive()) {
                return;
            }
            arena.close();
        }
        files.forEach(ImportedFile::release);
    }
}
