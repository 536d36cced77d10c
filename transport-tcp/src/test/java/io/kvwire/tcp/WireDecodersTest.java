package io.kvwire.tcp;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.Random;

/** The decoders in each build, with bytes of few values; the fuzzer goes further. */
class WireDecodersTest {
    private static final int TRIES = 4000;

    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4})
    void anyBytesAreReadOrRefused(long seed) {
        var random = new Random(seed);
        var target = new WireDecodersFuzzTest();
        for (int i = 0; i < TRIES; i++) {
            byte[] bytes = new byte[25 + random.nextInt(200)];
            random.nextBytes(bytes);
            for (int at = 5; at < bytes.length; at++) {
                // Lengths that are possible are short, and versions are 1.
                bytes[at] = (byte) (random.nextInt(4) == 0 ? bytes[at] : random.nextInt(2));
            }
            target.anyBytesAreReadOrRefused(bytes);
        }
    }
}
