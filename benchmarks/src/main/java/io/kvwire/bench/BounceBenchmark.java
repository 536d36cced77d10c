package io.kvwire.bench;

import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.OpenClLibrary;
import io.kvwire.pcie.bounce.BounceRing;
import io.kvwire.pcie.opencl.OpenClMemory;
import io.kvwire.transport.spi.RunCursor;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;

/**
 * The ring between two contexts of OpenCL, beside each of its copies alone. One operation moves 256
 * MiB; the ring is to take no longer than the slower copy by much, since the two overlap.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class BounceBenchmark {
    private static final long BYTES = 256L << 20;

    /** The runs' length; the blocks between them are left out. */
    @Param({"1048576", "16384"})
    public long runBytes;

    private final Arena arena = Arena.ofShared();
    private Context sourceContext;
    private Context targetContext;
    private OpenClMemory source;
    private OpenClMemory target;
    private MemorySegment from;
    private MemorySegment to;
    private MemorySegment host;
    private BounceRing ring;

    /** Allocates twice the bytes at each end, and touches them. */
    @Setup
    public void prepare() {
        var devices = OpenClLibrary.devices();
        if (devices.isEmpty()) {
            throw new IllegalStateException("no OpenCL device; " + OpenClLibrary.reason());
        }
        sourceContext = Context.of(devices.getFirst());
        targetContext = Context.of(devices.getLast());
        source = new OpenClMemory("xpu:0", sourceContext);
        target = new OpenClMemory("xpu:1", targetContext);
        from = source.allocate(2 * BYTES, 4096);
        to = target.allocate(2 * BYTES, 4096);
        host = arena.allocate(BounceRing.CHUNK_BYTES, 4096);
        ring = new BounceRing(source, target, BounceRing.CHUNK_BYTES);
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        ring.close();
        source.close();
        target.close();
        sourceContext.close();
        targetContext.close();
        arena.close();
    }

    /** Copies out alone, chunk by chunk, to memory that stays in the caches as the ring does. */
    @Benchmark
    public void copyOut() {
        for (long at = 0; at < BYTES; at += BounceRing.CHUNK_BYTES) {
            source.gather(new Every(from, runBytes, at, BounceRing.CHUNK_BYTES), host);
        }
    }

    /** Copies in alone. */
    @Benchmark
    public void copyIn() {
        for (long at = 0; at < BYTES; at += BounceRing.CHUNK_BYTES) {
            target.scatter(host, new Every(to, runBytes, at, BounceRing.CHUNK_BYTES));
        }
    }

    /** {@return the bytes that went through the ring} */
    @Benchmark
    public long ring() {
        return ring.copy(new Every(from, runBytes, 0, BYTES), new Every(to, runBytes, 0, BYTES));
    }

    /** Every second run of a segment. */
    private static final class Every implements RunCursor {
        private final MemorySegment segment;
        private final long runBytes;
        private final long end;
        private long next;

        Every(MemorySegment segment, long runBytes, long first, long bytes) {
            this.segment = segment;
            this.runBytes = runBytes;
            next = first / runBytes;
            end = (first + bytes) / runBytes;
        }

        @Override
        public boolean next() {
            return next++ < end;
        }

        @Override
        public MemorySegment segment() {
            return segment;
        }

        @Override
        public long offset() {
            return 2 * (next - 1) * runBytes;
        }

        @Override
        public long length() {
            return runBytes;
        }
    }
}
