package io.kvwire.transport.core;

import io.kvwire.transport.DType;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.SingleRun;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import java.util.Random;
import java.util.function.BooleanSupplier;

/**
 * How fast one thread encodes and decodes, tried on values of its own before there is traffic.
 *
 * @param encodeBytesPerSecond before encoding
 * @param decodeBytesPerSecond after decoding
 * @param ratio bytes before by bytes after encoding
 */
record CodecTrial(double encodeBytesPerSecond, double decodeBytesPerSecond, double ratio) {
    private static final int TOKENS = 16;

    /** Enough for the compiler to get through: 256 rows of values are encoded in each round. */
    private static final int ROUNDS = 1000;

    private static final long MOST_NANOS = 10_000_000_000L;

    /**
     * Encodes and decodes 64 KiB again and again and takes the best of all rounds: tens of
     * milliseconds, or seconds in a JVM that meets the codec for the first time, which the first
     * transfers are spared.
     *
     * @param stopped ends the trial early
     * @return empty when it was ended
     */
    static Optional<CodecTrial> of(KvCodec codec, BooleanSupplier stopped) {
        var layout =
                KvLayout.builder()
                        .layers(1)
                        .kvHeads(8)
                        .headDim(128)
                        .tokensPerBlock(16)
                        .dtype(DType.BF16)
                        .build();
        var slab = new Slab(new Slab.Id(0, 0, 0, 0, 1), layout, 0, new TokenRange(0, TOKENS), 0, 8);
        long bytes = slab.rawBytes();
        try (var arena = Arena.ofConfined()) {
            var values = arena.allocate(bytes, 64);
            var random = new Random(1);
            for (long at = 0; at < bytes; at += 2) {
                // BF16 of either sign from 0.5 to 2.
                int bits = 0x3F00 | (random.nextInt() & 0x80FF);
                values.set(ValueLayout.JAVA_SHORT, at, (short) bits);
            }
            var back = arena.allocate(bytes, 64);
            var frame = arena.allocate(codec.maxFrameBytes(slab), 64);
            var run = new SingleRun();
            long start = System.nanoTime();
            long encode = Long.MAX_VALUE;
            long decode = Long.MAX_VALUE;
            long frameBytes = 1;
            long elapsed = 0;
            for (int i = 0; i < ROUNDS && elapsed < MOST_NANOS; i++) {
                if (stopped.getAsBoolean()) {
                    return Optional.empty();
                }
                run.start(values, 0, bytes);
                long before = System.nanoTime();
                frameBytes = codec.encode(slab, run, frame);
                long between = System.nanoTime();
                run.start(back, 0, bytes);
                codec.decode(frame.asSlice(0, frameBytes), slab, run);
                long after = System.nanoTime();
                encode = Math.min(encode, between - before);
                decode = Math.min(decode, after - between);
                elapsed = after - start;
            }
            return Optional.of(
                    new CodecTrial(
                            bytes * 1e9 / Math.max(1, encode),
                            bytes * 1e9 / Math.max(1, decode),
                            (double) bytes / frameBytes));
        }
    }
}
