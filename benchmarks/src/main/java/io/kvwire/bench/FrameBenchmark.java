package io.kvwire.bench;

import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.KvCodecProvider;
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
import java.util.concurrent.TimeUnit;

/**
 * What a frame costs beside its values: writing one, and parsing and checking one (header, rules,
 * checksums), with the fewest values that a frame can have, one token of one head.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class FrameBenchmark {
    private static final int DIM = 32;

    /** The codec. */
    @Param({"raw", "int8"})
    public String codec;

    private final Slab slab =
            new Slab(
                    new Slab.Id(1, 2, 3, 0, 1),
                    KvLayout.builder().kvHeads(1).headDim(DIM).build(),
                    0,
                    new TokenRange(0, 1),
                    0,
                    1);
    private final SingleRun run = new SingleRun();
    private KvCodec coder;
    private MemorySegment values;
    private MemorySegment room;
    private MemorySegment frame;

    /** Makes a frame. */
    @Setup
    public void prepare() {
        coder = KvCodecProvider.create(codec, KvModel.UNKNOWN);
        values = Arena.global().allocate(slab.rawBytes(), 64).fill((byte) 0x3F);
        room = Arena.global().allocate(coder.maxFrameBytes(slab), 64);
        frame = room.asSlice(0, coder.encode(slab, run.start(values, 0, values.byteSize()), room));
    }

    /** {@return the bytes of a frame that is written} */
    @Benchmark
    public long write() {
        return coder.encode(slab, run.start(values, 0, values.byteSize()), room);
    }

    /** Parses and checks the frame, and puts its values in place. */
    @Benchmark
    public void parse() {
        coder.decode(frame, slab, run.start(values, 0, values.byteSize()));
    }
}
