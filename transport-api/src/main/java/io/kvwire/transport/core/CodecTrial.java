package io.kvwire.transport.core;

import io.kvwire.transport.DType;
import io.kvwire.transport.KvLayout;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Random;

/**
 * How fast one thread encodes and decodes, tried on values of its own before there is traffic.
 *
 * @param encodeBytesPerSecond before encoding
 * @param decodeBytesPerSecond after decoding
 * @param ratio bytes before by bytes after encoding
 */
record CodecTrial(double encodeBytesPerSecond, double decodeBytesPerSecond, double ratio) {
    private static final int TOKENS = 256;
    private static final int MIN_ROUNDS = 4;
    private static final int MAX_ROUNDS = 200;
    private static final long ENOUGH_NANOS = 50_000_000;

    /** Takes about 50 ms: the first rounds only warm the code up, so the best of each counts. */
    static CodecTrial of(KvCodec codec) {
        var layout =
                KvLayout.builder()
                        .layers(1)
                        .kvHeads(8)
                        .headDim(128)
                        .tokensPerBlock(16)
                        .dtype(DType.BF16)
                        .build();
        var slab = new Slab(new Slab.Id(1, 1, 0, 0, 1), layout, 0, new TokenRange(0, TOKENS), 0, 8);
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
            var run = new StagedRun();
            long start = System.nanoTime();
            long bestEncode = Long.MAX_VALUE;
            long bestDecode = Long.MAX_VALUE;
            long frameBytes = 1;
            for (int i = 0;
                    i < MIN_ROUNDS || (i < MAX_ROUNDS && System.nanoTime() - start < ENOUGH_NANOS);
                    i++) {
                run.start(values, 0, bytes);
                long before = System.nanoTime();
                frameBytes = codec.encode(slab, run, frame);
                long between = System.nanoTime();
                run.start(back, 0, bytes);
                codec.decode(frame.asSlice(0, frameBytes), slab, run);
                bestEncode = Math.min(bestEncode, between - before);
                bestDecode = Math.min(bestDecode, System.nanoTime() - between);
            }
            return new CodecTrial(
                    bytes * 1e9 / Math.max(1, bestEncode),
                    bytes * 1e9 / Math.max(1, bestDecode),
                    (double) bytes / frameBytes);
        }
    }
}
