package io.kvwire.transport;

import io.kvwire.transport.ffi.HugePages;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Host memory for caches and regions. Scattered blocks of a few KiB lie on a page each, so that
 * every one costs the copying CPU a miss of its address translation; in pages of 2 MiB that is gone
 * ({@code benchmarks/README.md} has what it is worth).
 *
 * <p>A cache may lie in any memory. This is merely the kind to prefer where the choice is free.
 */
public final class HostMemory {
    /** Of the host's small pages; where every segment starts at least. */
    public static final long ALIGNMENT = 4096;

    private HostMemory() {}

    /**
     * Allocates zeroed memory: from 2 MiB on, in huge pages where the kernel offers them on request
     * ({@code /sys/kernel/mm/transparent_hugepage/enabled} says {@code madvise} or {@code always});
     * otherwise as {@link Arena#allocate(long, long)} does.
     *
     * @param bytes at least 0
     * @param arena that owns the memory; a shared one, since wires have threads of their own
     * @return the memory, aligned to {@link #ALIGNMENT} at least
     * @throws OutOfMemoryError when the host has too little
     */
    public static MemorySegment allocate(long bytes, Arena arena) {
        return bytes < HugePages.PAGE_BYTES
                ? arena.allocate(bytes, ALIGNMENT)
                : HugePages.map(bytes, arena).orElseGet(() -> arena.allocate(bytes, ALIGNMENT));
    }
}
