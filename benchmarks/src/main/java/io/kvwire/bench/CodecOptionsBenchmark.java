package io.kvwire.bench;

import io.kvwire.codec.Int8Codec;
import io.kvwire.codec.Int8Options;
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
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * What each option of INT8 costs beside its defaults, on one core. One operation is a slab of 1 MiB
 * of BF16: 256 tokens, 8 heads, head dim 128, K and V. Slabs lie one behind the other in a cache
 * that no processor cache holds, frames in a ring of four, as in {@link CodecBenchmark}.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class CodecOptionsBenchmark {
    private static final int SLABS = 128;
    private static final int RING = 4;
    private static final long ALIGNMENT = 64;

    /** As {@code --codec int8,OPTIONS} takes them; none for the defaults. */
    @Param({
        "",
        "scales=fp16",
        "range=asymmetric",
        "keys=channel",
        "keys=hadamard",
        "keys=hadamard,values=hadamard",
        "keys=outliers:2",
        "keys=raw"
    })
    public String options;

    private final KvLayout layout = KvLayout.builder().kvHeads(8).headDim(128).build();
    private final Slab slab =
            new Slab(new Slab.Id(1, 2, 3, 0, 1), layout, 0, new TokenRange(0, 256), 0, 8);
    private final SingleRun run = new SingleRun();

    private Int8Codec codec;
    private MemorySegment cache;
    private MemorySegment[] slots;
    private MemorySegment[] frames;
    private int next;

    /** Fills the cache with normally distributed elements, and makes a frame of each slot. */
    @Setup
    public void fill() {
        codec = new Int8Codec(KvModel.UNKNOWN, Int8Options.parse(options));
        cache = Arena.global().allocate(SLABS * slab.rawBytes(), ALIGNMENT);
        var random = new Random(1);
        var elements = new short[1 << 16];
        for (int i = 0; i < elements.length; i++) {
            int bits = Float.floatToRawIntBits((float) random.nextGaussian());
            elements[i] = (short) (bits >>> 16);
        }
        for (long at = 0; at < cache.byteSize(); at += 2L * elements.length) {
            MemorySegment.copy(elements, 0, cache, ValueLayout.JAVA_SHORT, at, elements.length);
        }
        slots = new MemorySegment[RING];
        frames = new MemorySegment[RING];
        for (int i = 0; i < RING; i++) {
            slots[i] = Arena.global().allocate(codec.maxFrameBytes(slab), ALIGNMENT);
            frames[i] = slots[i].asSlice(0, codec.encode(slab, slab(i), slots[i]));
        }
    }

    /** Encodes a slab into a frame. */
    @Benchmark
    public void encode() {
        next++;
        codec.encode(slab, slab(next), slots[next % RING]);
    }

    /** Decodes a frame into the cache. */
    @Benchmark
    public void decode() {
        next++;
        codec.decode(frames[next % RING], slab, slab(next));
    }

    private SingleRun slab(int number) {
        return run.start(cache, number % SLABS * slab.rawBytes(), slab.rawBytes());
    }
}
