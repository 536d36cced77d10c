package io.kvwire.harness.xpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.kernels.LlamaCache;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Launches one kernel of {@code llama.h}: its arguments in their order, then over how many threads.
 * Confined to the thread of its engine.
 */
final class Step implements AutoCloseable {
    /** Rows of a sum that a group of threads takes: {@code llama.h} says why 16 threads each. */
    private static final int TEAMS_OF_GROUP = KvRows.THREADS_OF_GROUP / 16;

    private final Engine engine;
    private final Engine.Function kernel;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment number = arena.allocate(JAVA_INT);
    private final MemorySegment struct = arena.allocate(LlamaCache.LAYOUT);
    private int next;

    Step(Engine engine, String name) {
        this.engine = engine;
        kernel = engine.function(name);
    }

    Step with(Engine.Memory memory) {
        kernel.argument(next++, memory);
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

    /** Launches it and gives its end, which the caller closes. */
    Engine.Mark launchOverThreads(long threads) {
        return launch(Math.ceilDiv(threads, KvRows.THREADS_OF_GROUP));
    }

    private Engine.Mark launch(long groups) {
        next = 0;
        return engine.launch(kernel, groups);
    }

    @Override
    public void close() {
        kernel.close();
        arena.close();
    }
}
