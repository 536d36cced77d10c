package io.kvwire.bench;

import io.kvwire.transport.Lease;

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

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;

/**
 * Blocks of a peer on the same host, through shared memory: a READ and a sum over the copy, beside
 * a view and a sum over the peer's own memory. The sum stands for whatever needs each byte once;
 * what a view saves is the copy.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
public class ViewBenchmark {
    /** Blocks of the request and bytes of a block. */
    @Param({"1x4096", "4096x4096", "64x1048576"})
    public String blocks;

    private int count;
    private int blockBytes;
    private LoopbackPair pair;
    private Lease lease;

    /** Connects the two ends, and writes what is read later. */
    @Setup(Level.Trial)
    public void connect() {
        int by = blocks.indexOf('x');
        count = Integer.parseInt(blocks.substring(0, by));
        blockBytes = Integer.parseInt(blocks.substring(by + 1));
        pair = new LoopbackPair("pcie", count, blockBytes);
        pair.write();
    }

    /** Has the blocks kept; readers renew the lease from then on. */
    @Setup(Level.Iteration)
    public void promise() {
        lease = pair.lease();
    }

    /** {@return the sum over the copy alone, which both others contain} */
    @Benchmark
    public long sum() {
        return sum(pair.sent());
    }

    /** {@return the sum over the blocks, READ into memory of this end} */
    @Benchmark
    public long read() {
        pair.read(lease);
        return sum(pair.sent());
    }

    /** {@return the sum over the blocks where they are} */
    @Benchmark
    public long view() {
        try (var view = pair.view(lease)) {
            long sum = 0;
            for (int i = 0; i < count; i++) {
                sum += sum(view.key(0, i));
            }
            if (!view.valid()) {
                throw new IllegalStateException("the blocks were taken back");
            }
            return sum;
        }
    }

    private static long sum(MemorySegment memory) {
        long sum = 0;
        for (long at = 0; at < memory.byteSize(); at += Long.BYTES) {
            sum += memory.get(ValueLayout.JAVA_LONG, at);
        }
        return sum;
    }

    /** Takes the blocks back. */
    @TearDown(Level.Iteration)
    public void release() {
        lease.close();
    }

    /** Checks what arrived, and disconnects. */
    @TearDown(Level.Trial)
    public void disconnect() {
        pair.closeChecked();
    }
}
