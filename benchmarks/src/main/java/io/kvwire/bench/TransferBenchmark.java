package io.kvwire.bench;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import java.util.concurrent.TimeUnit;

/**
 * A WRITE from its post to its outcome, both ends in one process, one at a time. With {@code -prof
 * gc}, {@code gc.alloc.rate.norm} is what all threads of both ends allocate for one transfer. It
 * must not grow with bytes; what it grows by for each block is held by a test of this module.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class TransferBenchmark {
    /** The wire below. */
    @Param({"tcp", "memory"})
    public String wire;

    /** Blocks of the transfer and bytes of a block. */
    @Param({"1x4096", "256x4096", "4096x4096", "1x1048576"})
    public String blocks;

    private LoopbackPair pair;

    /** Connects the two ends. */
    @Setup(Level.Trial)
    public void connect() {
        int by = blocks.indexOf('x');
        pair =
                new LoopbackPair(
                        wire,
                        Integer.parseInt(blocks.substring(0, by)),
                        Integer.parseInt(blocks.substring(by + 1)));
    }

    /** Writes all blocks. */
    @Benchmark
    public void write() {
        pair.write();
    }

    /** Checks what arrived, and disconnects. */
    @TearDown(Level.Trial)
    public void disconnect() {
        pair.closeChecked();
    }
}
