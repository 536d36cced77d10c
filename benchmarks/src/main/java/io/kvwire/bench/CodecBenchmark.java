package io.kvwire.bench;

import io.kvwire.bench.ffi.CodecInC;
import io.kvwire.codec.Int8Codec;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.KvModel;
import io.kvwire.transport.spi.SingleRun;
import io.kvwire.transport.spi.Slab;

import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * INT8 coding of BF16 on one core, beside {@code memcpy} of the same elements and beside the same
 * arithmetic in C. One operation is a slab of 1 MiB: 256 tokens, 8 heads, head dim 128, K and V.
 * Slabs lie one behind the other in a cache, frames in a ring of four, as in a pipeline.
 *
 * <p>What the codec does beyond the C code: a header, rows that no scale fits, and CRC32C of all
 * that is written or read, which the C code does in its second version.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CodecBenchmark {
    private static final int DIM = 128;
    private static final int RING = 4;
    private static final long ALIGNMENT = 64;

    /** Size of the cache: one that no processor cache holds, and a single slab. */
    @Param({"256", "1"})
    public int cacheMib;

    private final KvLayout layout = KvLayout.builder().kvHeads(8).headDim(DIM).build();
    private final Slab slab =
            new Slab(new Slab.Id(1, 2, 3, 0, 1), layout, 0, new TokenRange(0, 256), 0, 8);
    private final Int8Codec codec = new Int8Codec(KvModel.UNKNOWN);
    private final CodecInC c = new CodecInC(Path.of(System.getProperty("kvwire.codec.library")));
    private final SingleRun run = new SingleRun();

    private MemorySegment cache;
    private MemorySegment[] slabs;
    private MemorySegment[] slots;
    private MemorySegment[] frames;
    private MemorySegment[] codes;
    private int next;

    /** Fills the cache with normally distributed elements, and makes a frame of each slot. */
    @Setup
    public void fill() {
        long slabBytes = slab.rawBytes();
        cache = Arena.global().allocate((long) cacheMib << 20, ALIGNMENT);
        var random = new Random(1);
        var elements = new short[1 << 16];
        for (int i = 0; i < elements.length; i++) {
            int bits = Float.floatToRawIntBits((float) random.nextGaussian());
            elements[i] = (short) (bits >>> 16);
        }
        for (long at = 0; at < cache.byteSize(); at += 2L * elements.length) {
            MemorySegment.copy(elements, 0, cache, ValueLayout.JAVA_SHORT, at, elements.length);
        }
        slabs = new MemorySegment[(int) (cache.byteSize() / slabBytes)];
        for (int i = 0; i < slabs.length; i++) {
            slabs[i] = cache.asSlice(i * slabBytes, slabBytes);
        }
        slots = new MemorySegment[RING];
        frames = new MemorySegment[RING];
        codes = new MemorySegment[RING];
        for (int i = 0; i < RING; i++) {
            slots[i] = Arena.global().allocate(codec.maxFrameBytes(slab), ALIGNMENT);
            long bytes = codec.encode(slab, whole(slabs[i % slabs.length]), slots[i]);
            frames[i] = slots[i].asSlice(0, bytes);
            codes[i] = Arena.global().allocate(slabBytes, ALIGNMENT);
            c.encode(slabs[i % slabs.length], DIM, codes[i], true);
        }
    }

    /** Copies a slab from the cache to a slot. */
    @Benchmark
    public void memcpyOut() {
        next++;
        c.copy(slabs[next % slabs.length], slots[next % RING]);
    }

    /** Copies as many bytes as a slab has from a slot to the cache. */
    @Benchmark
    public void memcpyIn() {
        next++;
        c.copy(codes[next % RING], slabs[next % slabs.length]);
    }

    /** Encodes a slab into a frame. */
    @Benchmark
    public void encode() {
        next++;
        codec.encode(slab, whole(slabs[next % slabs.length]), slots[next % RING]);
    }

    /** Decodes a frame into the cache. */
    @Benchmark
    public void decode() {
        next++;
        codec.decode(frames[next % RING], slab, whole(slabs[next % slabs.length]));
    }

    /** Encodes a slab in C. */
    @Benchmark
    public void encodeInC() {
        next++;
        c.encode(slabs[next % slabs.length], DIM, codes[next % RING], false);
    }

    /** Encodes a slab in C, and makes the checksum that a frame has. */
    @Benchmark
    public void encodeInCSummed() {
        next++;
        c.encode(slabs[next % slabs.length], DIM, codes[next % RING], true);
    }

    /** Decodes codes and scales in C. */
    @Benchmark
    public void decodeInC() {
        next++;
        c.decode(codes[next % RING], DIM, slabs[next % slabs.length], false);
    }

    /** Checks codes and scales in C, and decodes them. */
    @Benchmark
    public void decodeInCSummed() {
        next++;
        c.decode(codes[next % RING], DIM, slabs[next % slabs.length], true);
    }

    private SingleRun whole(MemorySegment slab) {
        return run.start(slab, 0, slab.byteSize());
    }
}
