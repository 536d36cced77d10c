package io.kvwire.bench;

import io.kvwire.transport.Transfer;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What the application's thread pays: to post a WRITE, and to poll one that has its outcome. The
 * rest is the wire's threads' and not timed. Bytes allocated are those of all threads.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class PostBenchmark {
    private static final int BATCH = 64;
    private static final int BLOCK_BYTES = 4096;

    /** The wire below. */
    @Param({"tcp", "memory"})
    public String wire;

    /** Blocks of 4 KiB of a transfer. */
    @Param({"1", "256"})
    public int blocks;

    private final List<Transfer> posted = new ArrayList<>(BATCH);
    private LoopbackPair pair;

    /** Connects the two ends. */
    @Setup(Level.Trial)
    public void connect() {
        pair = new LoopbackPair(wire, blocks, BLOCK_BYTES);
    }

    /** Posts some WRITEs, so that there is something to poll. */
    @Setup(Level.Iteration)
    public void begin() {
        settle();
        post();
        posted.forEach(pair::await);
    }

    /** Posts WRITEs. */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public void post() {
        posted.clear();
        for (int i = 0; i < BATCH; i++) {
            posted.add(pair.post());
        }
    }

    /** {@return how many of the transfers that were posted have their outcome: all} */
    @Benchmark
    @OperationsPerInvocation(BATCH)
    public int poll() {
        int done = 0;
        for (var transfer : posted) {
            done += transfer.outcome().isPresent() ? 1 : 0;
        }
        if (done != posted.size()) {
            throw new IllegalStateException("a transfer has no outcome");
        }
        return done;
    }

    /** Waits for what was posted. */
    @TearDown(Level.Invocation)
    public void settle() {
        posted.forEach(pair::await);
    }

    /** Checks what arrived, and disconnects. */
    @TearDown(Level.Trial)
    public void disconnect() {
        pair.closeChecked();
    }
}
