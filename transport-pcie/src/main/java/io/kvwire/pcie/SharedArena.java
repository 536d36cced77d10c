package io.kvwire.pcie;

import io.kvwire.ffi.linux.Linux;
import io.kvwire.ffi.linux.NumaNodes;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * An arena whose memory the peers on this host can be shown, so that they copy out of it at once. A
 * cache that is allocated from one and registered with a node moves over the path {@code pcie} with
 * one copy and without a system call; any other arena works, too, and costs more.
 *
 * <p>The memory lies in files without a name that die with the process. Their length is sealed, and
 * so is writing by others: a peer that is handed one can read it, and can neither truncate it nor
 * write to it. Filled with zeros; freed by {@link #close}, as with {@link Arena#ofShared}.
 *
 * <p>Thread-safe; segments may be used by all threads.
 *
 * {@snippet :
 * try (var memory = SharedArena.open()) {
 *     var segment = memory.allocate(blocks * layout.blockBytes(), 4096);
 *     var placement = List.of(LayerPlacement.dense(layout, segment, blocks));
 *     node.register("kv", layout, placement, blocks, Access.REMOTE_READ_WRITE);
 * }
 * }
 */
public final class SharedArena implements Arena {
    /** Small allocations share files of this length. */
    private static final long CHUNK_BYTES = 2L << 20;

    private final Arena mappings = Arena.ofShared();
    private final List<SharedChunk> chunks = new ArrayList<>();
    private Optional<SharedChunk> current = Optional.empty();
    private long used;

    /** The NUMA node that was asked for. */
    private final OptionalInt node;

    private SharedArena(OptionalInt node) {
        this.node = node;
    }

    /** {@return why memory cannot be shared by this process, or empty when it can} */
    public static Optional<String> unavailable() {
        return Linux.unavailable();
    }

    /**
     * {@return a new arena, whose memory is at the NUMA node of whoever allocates}
     *
     * @throws io.kvwire.transport.TransferException when {@link #unavailable} says why
     */
    public static SharedArena open() {
        SharedChunk.requireAvailable();
        return new SharedArena(OptionalInt.empty());
    }

    /**
     * {@return a new arena whose memory is at the NUMA node of a device; where the host has one
     * node, or does not say where the device is, as from {@link #open}}
     *
     * @param pciAddress of a GPU or NIC: domain, bus, device and function, {@code 0000:3b:00.0}
     * @throws io.kvwire.transport.TransferException when {@link #unavailable} says why
     */
    public static SharedArena near(String pciAddress) {
        SharedChunk.requireAvailable();
        return new SharedArena(NumaNodes.ofPciDevice(pciAddress));
    }

    /**
     * {@return a new arena whose memory is shared where that works, and {@link Arena#ofShared}
     * elsewhere}
     */
    public static Arena openOrPrivate() {
        return unavailable().isEmpty() ? new SharedArena(OptionalInt.empty()) : Arena.ofShared();
    }

    /**
     * Allocates shared memory.
     *
     * @param byteSize at least 0
     * @param byteAlignment a power of two
     * @return the memory, filled with zeros
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#RESOURCE_EXHAUSTED} when there is too little
     * @throws IllegalStateException when the arena was closed
     */
    @Override
    public synchronized MemorySegment allocate(long byteSize, long byteAlignment) {
        if (byteSize < 0 || byteAlignment < 1 || Long.bitCount(byteAlignment) != 1) {
            throw new IllegalArgumentException(byteSize + " bytes aligned to " + byteAlignment);
        }
        if (!mappings.scope().isAlive()) {
            throw new IllegalStateException("the arena was closed");
        }
        long slack = Math.max(0, byteAlignment - SharedChunk.PAGE_BYTES);
        if (byteSize + slack >= CHUNK_BYTES / 2) {
            var own = chunk(byteSize + slack).memory();
            return own.asSlice(padding(own, 0, byteAlignment), byteSize);
        }
        var memory = current.map(SharedChunk::memory).orElse(MemorySegment.NULL);
        long at = used + padding(memory, used, byteAlignment);
        if (at > memory.byteSize() - byteSize) {
            var fresh = chunk(CHUNK_BYTES);
            current = Optional.of(fresh);
            memory = fresh.memory();
            at = padding(memory, 0, byteAlignment);
        }
        used = at + byteSize;
        return memory.asSlice(at, byteSize);
    }

    private static long padding(MemorySegment memory, long from, long alignment) {
        return -(memory.address() + from) & (alignment - 1);
    }

    private SharedChunk chunk(long bytes) {
        var made = SharedChunk.map(mappings, Math.max(1, bytes), node);
        chunks.add(made);
        return made;
    }

    /** {@return what the memory is made of, and why of nothing better; one line for people} */
    public synchronized String describe() {
        return chunks.isEmpty() ? "nothing allocated" : chunks.getLast().pages();
    }

    @Override
    public MemorySegment.Scope scope() {
        return mappings.scope();
    }

    /**
     * Unmaps the memory; the kernel frees it when no peer has it mapped either.
     *
     * @throws IllegalStateException when the arena was closed already, or a thread is in the memory
     */
    @Override
    public synchronized void close() {
        chunks.forEach(SharedChunk::hide);
        try {
            mappings.close();
        } catch (IllegalStateException e) {
            chunks.forEach(SharedChunk::show);
            throw e;
        }
        chunks.forEach(SharedChunk::close);
        chunks.clear();
        current = Optional.empty();
    }
}
