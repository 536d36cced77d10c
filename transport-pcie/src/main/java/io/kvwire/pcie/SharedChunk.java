package io.kvwire.pcie;

import io.kvwire.ffi.linux.Linux;
import io.kvwire.ffi.linux.MemoryFile;
import io.kvwire.ffi.linux.NumaNodes;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.ConcurrentSkipListMap;

/** One sealed memory file of this process, mapped here to be written. Thread-safe. */
final class SharedChunk {
    /** The base size of pages on the processors that matter; mappings start at one. */
    static final long PAGE_BYTES = 4096;

    private static final long HUGE_BYTES = 2L << 20;
    private static final Path MM = Path.of("/sys/kernel/mm");
    private static final Path HUGE = MM.resolve("hugepages/hugepages-2048kB/free_hugepages");
    private static final Path SHMEM = MM.resolve("transparent_hugepage/shmem_enabled");

    /** All of this process, by where they start: a wire asks for memory by its address. */
    private static final ConcurrentSkipListMap<Long, SharedChunk> LIVE =
            new ConcurrentSkipListMap<>();

    private final MemoryFile file;
    private final MemorySegment memory;
    private final String pages;

    private SharedChunk(MemoryFile file, MemorySegment memory, String pages) {
        this.file = file;
        this.memory = memory;
        this.pages = pages;
    }

    static void requireAvailable() {
        Linux.unavailable()
                .ifPresent(why -> {
                    throw new TransferException(ErrorCode.PATH_UNAVAILABLE, why);
                });
    }

    /**
     * Makes a file of at least so many bytes and maps it until the arena closes.
     *
     * @param node to take the pages from; empty for that of the calling thread
     */
    static SharedChunk map(Arena arena, long bytes, OptionalInt node) {
        var reason = whyNotHuge(bytes);
        if (reason.isEmpty()) {
            try {
                long huge = roundUp(bytes, HUGE_BYTES);
                return map(arena, huge, MemoryFile.Pages.HUGE, "2 MiB pages", node);
            } catch (TransferException e) {
                reason = e.getMessage(); // another process was faster
            }
        }
        var pages = "4 KiB pages (" + reason + ")";
        return map(arena, roundUp(bytes, PAGE_BYTES), MemoryFile.Pages.BASE, pages, node);
    }

    private static SharedChunk map(
            Arena arena, long bytes, MemoryFile.Pages kind, String pages, OptionalInt node) {
        var file = MemoryFile.create("kvwire-memory", bytes, kind);
        try {
            var memory = file.map(arena, bytes, true);
            var placed = place(memory, node);
            if (kind == MemoryFile.Pages.BASE) {
                var _ = MemoryFile.adviseHugePages(memory);
            }
            if (!MemoryFile.populate(memory)) {
                file.reserve();
            }
            file.sealLength();
            // Without this seal (kernels before 5.1) a peer could write, as any process of the
            // user.
            var _ = file.sealFutureWrites();
            file.sealSeals();
            return new SharedChunk(file, memory, pages + "; " + placed).show();
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    private static String whyNotHuge(long bytes) {
        if (bytes < HUGE_BYTES) {
            return "small";
        }
        long free = number(read(HUGE));
        return free >= (bytes + HUGE_BYTES - 1) / HUGE_BYTES
                ? ""
                : free
                        + " pages of 2 MiB are free: set vm.nr_hugepages; or shmem_enabled, which"
                        + " is "
                        + read(SHMEM);
    }

    /** Chooses where the pages come from, before one is touched; {@return that, for people} */
    private static String place(MemorySegment memory, OptionalInt wanted) {
        var online = NumaNodes.online();
        if (online.size() < 2) {
            return "one NUMA node";
        }
        var node = wanted.isPresent() ? wanted : NumaNodes.ofThisThread();
        if (node.isEmpty()) {
            return "on any NUMA node";
        }
        return NumaNodes.prefer(memory, node.getAsInt())
                .map(why -> "on the NUMA node of the allocating thread (" + why + ")")
                .orElse("on NUMA node " + node.getAsInt() + " of " + online.size());
    }

    private static String read(Path file) {
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            return "";
        }
    }

    private static long number(String text) {
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            return 0;
        }
    }

    private static long roundUp(long bytes, long unit) {
        return (bytes + unit - 1) / unit * unit;
    }

    /** {@return the chunk that memory lies in, or empty when it is private} */
    static Optional<SharedChunk> of(MemorySegment segment) {
        Map.Entry<Long, SharedChunk> below = LIVE.floorEntry(segment.address());
        return below != null && below.getValue().holds(segment)
                ? Optional.of(below.getValue())
                : Optional.empty();
    }

    private boolean holds(MemorySegment segment) {
        long offset = segment.address() - memory.address();
        return segment.byteSize() <= memory.byteSize()
                && offset <= memory.byteSize() - segment.byteSize();
    }

    MemoryFile file() {
        return file;
    }

    MemorySegment memory() {
        return memory;
    }

    String pages() {
        return pages;
    }

    SharedChunk show() {
        LIVE.put(memory.address(), this);
        return this;
    }

    void hide() {
        LIVE.remove(memory.address(), this);
    }

    /** Closes the file; the mapping went with its arena. */
    void close() {
        hide();
        file.close();
    }
}
