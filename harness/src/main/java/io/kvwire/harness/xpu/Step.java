package io.kvwire.harness.xpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.kernels.LlamaCache;
import io.kvwire.ffi.opencl.Buffer;
import io.kvwire.ffi.opencl.CommandQueue;
import io.kvwire.ffi.opencl.Event;
import io.kvwire.ffi.opencl.Kernel;
import io.kvwire.ffi.opencl.Program;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Launches one kernel of {@code llama.h}: its arguments in their order, then over how many threads.
 * Confined to the thread of its queue.
 */
final class Step implements AutoCloseable {
    /** Rows of a sum that a group of threads takes: {@code llama.h} says why 16 threads each. */
    private static final int TEAMS_OF_GROUP = KvRows.THREADS_OF_GROUP / 16;

    private final CommandQueue queue;
    private final Kernel kernel;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment number = arena.allocate(JAVA_INT);
    private final MemorySegment struct = arena.allocate(LlamaCache.LAYOUT);
    private int next;

    Step(CommandQueue queue, Program program, String name) {
        this.queue = queue;
        kernel = program.kernel(name);
    }

    Step with(Buffer buffer) {
        kernel.argument(next++, buffer);
        return this;
    }

    Step with(int value) {
        number.set(JAVA_INT, 0, value);
        kernel.argument(next++, number);
        return this;
    }

    Step with(float value) {
        number.set(JAVA_FLOAT, 0, value);
        kernel.argument(next++, number);
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
        launch(groups).close();
    }

    /** Launches it and gives its event, which the caller closes. */
    Event launchOverThreads(long threads) {
        return launch(Math.ceilDiv(threads, KvRows.THREADS_OF_GROUP));
    }

    private Event launch(long groups) {
        next = 0;
        return queue.launch(kernel, groups, KvRows.THREADS_OF_GROUP);
    }

    @Override
    public void close() {
        kernel.close();
        arena.close();
    }
}
