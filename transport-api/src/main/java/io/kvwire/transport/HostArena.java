package io.kvwire.transport;

import io.kvwire.transport.ffi.HugePages;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * An arena whose large segments lie in pages of 2 MiB where the kernel has them. Scattered blocks
 * of a few KiB lie on a page each, so that every one costs the copying CPU a miss of its address
 * translation; in large pages that is gone.
 *
 * <p>A cache may lie in any memory. This is the kind to prefer where the choice is free and no peer
 * is on the same host. Filled with zeros; freed by {@link #close}, as with {@link Arena#ofShared}.
 *
 * <p>Thread-safe; segments may be used by all threads.
 */
public final class HostArena implements Arena {
    /** Of the host's small pages; where every segment starts at least. */
    private static final long PAGE_BYTES = 4096;

    private final Arena arena = Arena.ofShared();

    private HostArena() {}

    /** {@return a new arena} */
    public static HostArena open() {
        return new HostArena();
    }

    /**
     * Allocates zeroed memory: from 2 MiB on, in huge pages where the kernel offers them on request
     * ({@code /sys/kernel/mm/transparent_hugepage/enabled} says {@code madvise} or {@code always});
     * otherwise as {@link Arena#ofShared} does.
     *
     * @param byteSize at least 0
     * @param byteAlignment a power of two
     * @return the memory, which starts on a page at least
     * @throws OutOfMemoryError when the host has too little
     * @throws IllegalStateException when the arena was closed
     */
    @Override
    public MemorySegment allocate(long byteSize, long byteAlignment) {
        long alignment = Math.max(byteAlignment, PAGE_BYTES);
        return byteSize < HugePages.PAGE_BYTES || alignment > HugePages.PAGE_BYTES
                ? arena.allocate(byteSize, alignment)
                : HugePages.map(byteSize, arena)
                        .orElseGet(() -> arena.allocate(byteSize, alignment));
    }

    @Override
    public MemorySegment.Scope scope() {
        return arena.scope();
    }

    @Override
    public void close() {
        arena.close();
    }
}
