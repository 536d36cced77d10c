package io.kvwire.harness.kernels;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.kernels.LlamaCache;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Launches one kernel of {@code llama.h}: its arguments in their order, then over how many threads.
 * Confined to the thread of its queue.
 */
final class Step<B> implements AutoCloseable {
    /** Rows of a sum that a group of threads takes: {@code llama.h} says why 16 threads each. */
    private static final int TEAMS_OF_GROUP = KvRows.THREADS_OF_GROUP / 16;

    private final KernelQueue.Launcher<B> kernel;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment struct = arena.allocate(LlamaCache.LAYOUT);
    private final MemorySegment number = arena.allocate(JAVA_INT);
    private int next;

    /** Takes the kernel, which it closes. */
    Step(KernelQueue.Launcher<B> kernel) {
        this.kernel = kernel;
    }

    Step<B> with(B buffer) {
        kernel.memory(next++, buffer);
        return this;
    }

    Step<B> with(int value) {
        number.set(JAVA_INT, 0, value);
        kernel.value(next++, number);
        return this;
    }

    Step<B> with(float value) {
        number.set(JAVA_FLOAT, 0, value);
        kernel.value(next++, number);
        return this;
    }

    Step<B> with(LlamaCache cache) {
        cache.write(struct);
        kernel.value(next++, struct);
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
        kernel.launch(groups);
    }

    @Override
    public void close() {
        kernel.close();
        arena.close();
    }
}
