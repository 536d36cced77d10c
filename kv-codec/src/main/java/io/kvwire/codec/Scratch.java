package io.kvwire.codec;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Memory of a codec's own, outside of the heap, as large as was ever asked for. Confined to one
 * thread; freed by the garbage collector.
 */
final class Scratch {
    private static final int ALIGNMENT = 64;

    private MemorySegment memory = MemorySegment.NULL;

    /** {@return memory of at least so many bytes, whatever it holds} */
    MemorySegment ofBytes(long bytes) {
        if (memory.byteSize() < bytes) {
            memory = Arena.ofAuto().allocate(bytes, ALIGNMENT);
        }
        return memory;
    }
}
