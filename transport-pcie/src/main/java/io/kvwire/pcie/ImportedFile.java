package io.kvwire.pcie;

import io.kvwire.ffi.linux.MemoryFile;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A shared file of the other process, mapped here to be read: by a lane, which has it from the
 * start, and by views. Unmapped when the last of them has let go of it. Thread-safe.
 */
final class ImportedFile {
    private final Arena arena;
    private final MemorySegment memory;
    private int users = 1;

    private ImportedFile(Arena arena, MemorySegment memory) {
        this.arena = arena;
        this.memory = memory;
    }

    /**
     * Maps a file that was handed over.
     *
     * @param descriptor still the caller's when this fails
     */
    static ImportedFile map(int descriptor, long bytes) {
        var file = MemoryFile.adopt(descriptor);
        LaneMemory.require(
                file.lengthSealed() && bytes > 0 && file.bytes() >= bytes,
                "memory whose length is not sealed, or is shorter than it says");
        var arena = Arena.ofShared();
        try {
            var mapped = new ImportedFile(arena, file.map(arena, bytes, false));
            file.close();
            return mapped;
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    /** {@return all of it; valid for those who use the file} */
    MemorySegment memory() {
        return memory;
    }

    /** Counts one more user; called while there is one. */
    synchronized void retain() {
        users++;
    }

    synchronized void release() {
        if (--users == 0) {
            arena.close();
        }
    }
}
