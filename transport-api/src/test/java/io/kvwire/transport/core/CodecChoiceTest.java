package io.kvwire.transport.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.CodecDecision;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.util.Arrays;

/** What {@code auto} chooses, against a transfer played frame by frame through its stages. */
class CodecChoiceTest {
    private static final String CODEC = "int8";
    private static final double RATIO = 1.93;

    /** From 1 Gbit/s to more than any codec can follow, in GB/s. */
    private static final double[] LINKS = {0.125, 0.3, 0.7, 1, 1.25, 3, 5, 6.25, 12.5, 25, 50, 100};

    /** Nearer together than this, either choice is as good. */
    private static final double TIE = 0.03;

    /** Blocks of 16 to 256 tokens with 1 to 8 heads, single and many, odd numbers of them too. */
    @ParameterizedTest
    @CsvSource({
        "1, 8, 65536",
        "1, 8, 8192",
        "7, 8, 65536",
        "500, 8, 8192",
        "512, 4, 65536",
        "1000, 2, 65536",
        "333, 20, 1048576",
        "64, 10, 1048576",
        "100, 1, 262144"
    })
    void theFasterOneIsChosenAtEveryLinkRate(int frames, double gigabytes, long frameBytes) {
        for (int threads : new int[] {1, 2, 4}) {
            for (double link : LINKS) {
                var rates =
                        new CodecDecision.Rates(
                                link * 1e9, gigabytes * 1e9, gigabytes * 1.4e9, RATIO, threads);
                // The last frame is half as long.
                long bytes = frames * frameBytes - frameBytes / 2;
                double raw = bytes / (link * 1e9);
                double coded = played(rates, bytes, frameBytes);
                if (Math.abs(coded - raw) <= TIE * Math.min(coded, raw)) {
                    continue;
                }
                var decision = expected(rates, bytes, frameBytes);
                assertEquals(
                        coded < raw ? CODEC : "raw",
                        decision.codec(),
                        () ->
                                "%s frames of %s, %s GB/s link, %s threads: %s"
                                        .formatted(
                                                frames,
                                                frameBytes,
                                                link,
                                                threads,
                                                decision.reason()));
            }
        }
    }

    /** The condition of the serial and of the pipelined case, on both sides of the balance. */
    @Test
    void theBalanceLiesWhereTheFormulasSay() {
        double encode = 8e9;
        double decode = 10e9;
        double serial = (1 - 1 / RATIO) / (1 / encode + 1 / decode);
        double pipelined = Math.min(encode, decode);
        long frame = 1 << 20;
        for (double side : new double[] {0.98, 1.02}) {
            var expected = side < 1 ? CODEC : "raw";
            assertEquals(expected, choice(serial * side, encode, decode, frame, frame));
            long many = 100_000 * frame;
            assertEquals(expected, choice(pipelined * side, encode, decode, many, frame));
        }
    }

    @Test
    void theReasonNamesBothTimes() {
        var rates = new CodecDecision.Rates(1e9, 10e9, 10e9, 2, 1);
        var decision = expected(rates, 1_000_000, 1_000_000);
        assertEquals(CODEC, decision.codec());
        assertTrue(decision.reason().contains("0.700 ms with int8, 1.000 ms raw"));
    }

    private static String choice(
            double link, double encode, double decode, long bytes, long frameBytes) {
        var rates = new CodecDecision.Rates(link, encode, decode, RATIO, 1);
        return expected(rates, bytes, frameBytes).codec();
    }

    /** The choice as long as no transfer of that size was seen. */
    private static CodecDecision expected(CodecDecision.Rates rates, long bytes, long frameBytes) {
        return new CodecExperience().choose(CODEC, rates, bytes, frameBytes, false);
    }

    /** Each frame takes the thread that is free first, the wire in turn, then such a thread. */
    private static double played(CodecDecision.Rates rates, long bytes, long frameBytes) {
        var encoders = new double[rates.threads()];
        var decoders = new double[rates.threads()];
        double wire = 0;
        double done = 0;
        for (long left = bytes; left > 0; left -= frameBytes) {
            long now = Math.min(left, frameBytes);
            Arrays.sort(encoders);
            encoders[0] += now / rates.encodeBytesPerSecond();
            wire = Math.max(encoders[0], wire) + now / (rates.ratio() * rates.linkBytesPerSecond());
            Arrays.sort(decoders);
            decoders[0] = Math.max(wire, decoders[0]) + now / rates.decodeBytesPerSecond();
            done = Math.max(done, decoders[0]);
        }
        return done;
    }
}
