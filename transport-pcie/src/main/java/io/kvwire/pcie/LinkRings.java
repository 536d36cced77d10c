package io.kvwire.pcie;

import io.kvwire.ffi.linux.MemoryFile;

import java.lang.foreign.Arena;

/**
 * The memory of {@link LinkMessages}: a ring for each direction, mapped by both ends. Closing it
 * unmaps it, so nobody may be in it.
 *
 * @param arena unmaps them
 * @param in direction from the other end
 * @param out direction to it
 */
record LinkRings(Arena arena, LaneMemory in, LaneMemory out) implements AutoCloseable {
    /** Of the ring of each direction. */
    static final int BYTES_EACH = 256 << 10;

    /** Of the file that holds both. */
    static final long BYTES = LaneMemory.bytes(BYTES_EACH);

    /**
     * Maps the rings.
     *
     * @param file whose length is sealed; still the caller's
     * @param maker whether this end has made it: its messages are in the first ring
     */
    static LinkRings map(MemoryFile file, boolean maker) {
        var arena = Arena.ofShared();
        try {
            var both = file.map(arena, BYTES, true);
            return new LinkRings(
                    arena,
                    LaneMemory.direction(both, maker ? 1 : 0, BYTES_EACH, 1),
                    LaneMemory.direction(both, maker ? 0 : 1, BYTES_EACH, 1));
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public void close() {
        arena.close();
    }
}
