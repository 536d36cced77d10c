package io.kvwire.transport.core;

import io.kvwire.transport.DType;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.SingleRun;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/**
 * How fast one thread encodes and decodes, tried on values of its own before there is traffic.
 *
 * @param encodeBytesPerSecond before encoding
 * @param decodeBytesPerSecond after decoding
 * @param ratio bytes before by bytes after encoding
 */
record CodecTrial(double encodeBytesPerSecond, double decodeBytesPerSecond, double ratio) {
    private static final int TOKENS = 16;

    private static final KvLayout LAYOUT =
            KvLayout.builder()
                    .layers(1)
                    .kvHeads(8)
                    .headDim(128)
                    .tokensPerBlock(TOKENS)
                    .dtype(DType.BF16)
                    .build();

    /** Enough for the compiler to get through: 256 rows of values are encoded in each round. */
    private static final int ROUNDS = 1000;

    /** A codec that is slow is known after fewer. */
    private static final int LEAST_ROUNDS = 8;

    private static final long MOST_NANOS = 500_000_000;
    private static final long PATIENCE_NANOS = 10_000_000_000L;
    private static final long PAUSE_NANOS = 5_000_000;
    private static final long LONG_PAUSE_NANOS = 500_000_000;

    /**
     * Encodes and decodes 64 KiB again and again and takes the best of all rounds, which are tens
     * of milliseconds. Waits before that until the codec works at its full speed, which takes a
     * second or so in a JVM that meets it for the first time. On a busy machine it may take longer:
     * then there is a result for the speed that the codec has meanwhile, and another one later.
     *
     * @param stopped ends the trial early
     * @param results hears of each result
     */
    static void run(KvCodec codec, BooleanSupplier stopped, Consumer<CodecTrial> results) {
        try (var bench = new Bench(codec, LAYOUT)) {
            bench.round();
            if (!settles(codec, stopped, PATIENCE_NANOS, PAUSE_NANOS)) {
                bench.rounds(stopped, results);
                if (!settles(codec, stopped, Long.MAX_VALUE, LONG_PAUSE_NANOS)) {
                    return;
                }
                bench.forget();
            }
            bench.rounds(stopped, results);
        }
    }

    private static boolean settles(
            KvCodec codec, BooleanSupplier stopped, long mostNanos, long pauseNanos) {
        long start = System.nanoTime();
        while (!codec.settled()) {
            if (stopped.getAsBoolean() || System.nanoTime() - start >= mostNanos) {
                return false;
            }
            LockSupport.parkNanos(pauseNanos);
        }
        return true;
    }

    /**
     * Shows a codec what it will meet, so that it can prepare: one round with some tokens of a
     * cache. Frames of whatever size are the same to it.
     */
    static void show(KvCodec codec, KvLayout layout) {
        try (var bench = new Bench(codec, layout)) {
            bench.round();
        }
    }

    /** Values of a slab, their frame, and what comes back. Confined to one thread. */
    private static final class Bench implements AutoCloseable {
        private final Arena arena = Arena.ofConfined();
        private final KvCodec codec;
        private final Slab slab;
        private final MemorySegment values;
        private final MemorySegment back;
        private final MemorySegment frame;
        private final SingleRun run = new SingleRun();
        private long encodeNanos = Long.MAX_VALUE;
        private long decodeNanos = Long.MAX_VALUE;
        private long frameBytes = 1;

        Bench(KvCodec codec, KvLayout layout) {
            this.codec = codec;
            var id = new Slab.Id(0, 0, 0, 0, 1);
            var tokens = new TokenRange(0, TOKENS);
            slab = new Slab(id, layout, 0, tokens, layout.firstHead(), layout.heads());
            values = arena.allocate(slab.rawBytes(), 64);
            var random = new Random(1);
            for (long at = 0; at + 2 <= slab.rawBytes(); at += 2) {
                // As BF16 of either sign from 0.5 to 2, and harmless as anything else.
                int bits = 0x3F00 | (random.nextInt() & 0x80FF);
                values.set(ValueLayout.JAVA_SHORT, at, (short) bits);
            }
            back = arena.allocate(slab.rawBytes(), 64);
            frame = arena.allocate(codec.maxFrameBytes(slab), 64);
        }

        void round() {
            run.start(values, 0, slab.rawBytes());
            long before = System.nanoTime();
            frameBytes = codec.encode(slab, run, frame);
            long between = System.nanoTime();
            run.start(back, 0, slab.rawBytes());
            codec.decode(frame.asSlice(0, frameBytes), slab, run);
            long after = System.nanoTime();
            encodeNanos = Math.min(encodeNanos, between - before);
            decodeNanos = Math.min(decodeNanos, after - between);
        }

        void rounds(BooleanSupplier stopped, Consumer<CodecTrial> results) {
            long start = System.nanoTime();
            for (int i = 0; i < ROUNDS; i++) {
                if (stopped.getAsBoolean()) {
                    return;
                }
                if (i >= LEAST_ROUNDS && System.nanoTime() - start >= MOST_NANOS) {
                    break;
                }
                round();
            }
            results.accept(result());
        }

        /** What was measured before does not count. */
        void forget() {
            encodeNanos = Long.MAX_VALUE;
            decodeNanos = Long.MAX_VALUE;
        }

        private CodecTrial result() {
            double bytes = slab.rawBytes();
            return new CodecTrial(
                    bytes * 1e9 / Math.max(1, encodeNanos),
                    bytes * 1e9 / Math.max(1, decodeNanos),
                    bytes / frameBytes);
        }

        @Override
        public void close() {
            arena.close();
        }
    }
}
