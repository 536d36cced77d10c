package io.kvwire.pcie;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * Host memory that the peers on this host can be shown, as a {@link DeviceMemory}: for code that
 * serves devices of all kinds. Each allocation can be freed by itself. Thread-safe.
 */
public final class SharedHostMemory implements DeviceMemory {
    private final Map<Long, SharedArena> allocations = new HashMap<>();

    /**
     * Opens the memory.
     *
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when this process cannot
     *     share memory, see {@link SharedArena#unavailable}
     */
    public SharedHostMemory() {
        SharedChunk.requireAvailable();
    }

    @Override
    public String device() {
        return "cpu";
    }

    @Override
    public boolean hostAccessible() {
        return true;
    }

    @Override
    public synchronized MemorySegment allocate(long bytes, long alignment) {
        var arena = SharedArena.open();
        try {
            var memory = arena.allocate(bytes, alignment);
            allocations.put(memory.address(), arena);
            return memory;
        } catch (RuntimeException e) {
            arena.close();
            throw e;
        }
    }

    @Override
    public synchronized void free(MemorySegment memory) {
        var arena = allocations.remove(memory.address());
        if (arena == null) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE, "memory that was not allocated here, or freed before");
        }
        arena.close();
    }

    @Override
    public void gather(RunCursor source, MemorySegment target) {
        long at = 0;
        while (source.next()) {
            MemorySegment.copy(source.segment(), source.offset(), target, at, source.length());
            at += source.length();
        }
    }

    @Override
    public void scatter(MemorySegment source, RunCursor target) {
        long at = 0;
        while (target.next()) {
            MemorySegment.copy(source, at, target.segment(), target.offset(), target.length());
            at += target.length();
        }
    }

    @Override
    public synchronized void close() {
        allocations.values().forEach(SharedArena::close);
        allocations.clear();
    }
}
