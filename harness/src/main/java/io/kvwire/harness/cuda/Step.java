package io.kvwire.harness.cuda;

import io.kvwire.ffi.cuda.DeviceBuffer;
import io.kvwire.ffi.cuda.Kernel;
import io.kvwire.ffi.cuda.KernelModule;
import io.kvwire.ffi.cuda.Stream;
import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.kernels.LlamaCache;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Launches one kernel of {@code llama.h}: its arguments in their order, then over how many threads.
 * Confined to the thread of its stream.
 */
final class Step implements AutoCloseable {
    /** Rows of a sum that a group of threads takes: {@code llama.h} says why 16 threads each. */
    private static final int TEAMS_OF_GROUP = KvRows.THREADS_OF_GROUP / 16;

    private final Stream stream;
    private final Kernel kernel;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment struct = arena.allocate(LlamaCache.LAYOUT);
    private int next;

    Step(Stream stream, KernelModule module, String name) {
        this.stream = stream;
        kernel = module.kernel(name);
    }

    Step with(DeviceBuffer buffer) {
        return with(buffer.address());
    }

    Step with(long address) {
        kernel.argument(next++, address);
        return this;
    }

    Step with(int value) {
        kernel.argument(next++, value);
        return this;
    }

    Step with(float value) {
        kernel.argument(next++, value);
        return this;
    }

    Step with(LlamaCache cache) {
        cache.write(struct);
        kernel.argument(next++, struct);
        return this;
    }

    void overThreads(long threads) {
        overGroups(Math.ceilDiv(threads, KvRows.THREADS_OF_GROUP));
    }

    void overTeams(long teams) {
        overGroups(Math.ceilDiv(teams, TEAMS_OF_GROUP));
    }

    void overGroups(long groups) {
        next = 0;
        stream.launch(kernel, Math.toIntExact(groups), KvRows.THREADS_OF_GROUP);
    }

    @Override
    public void close() {
        kernel.close();
        arena.close();
    }
}
