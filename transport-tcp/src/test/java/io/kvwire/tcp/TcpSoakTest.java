package io.kvwire.tcp;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.tck.Soak;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;

/**
 * Random transfers under random faults over TCP: for a few seconds in each build, for as long as
 * {@code -Dkvwire.soak.seconds} says otherwise. Writes what was done to {@code target/soak.txt}.
 */
class TcpSoakTest {
    private static final int DEFAULT_SECONDS = 8;

    @Test
    void nothingIsWrongOrLeft() throws IOException {
        long seed = Long.getLong("kvwire.tck.seed", new Random().nextInt());
        var duration =
                Duration.ofSeconds(Integer.getInteger("kvwire.soak.seconds", DEFAULT_SECONDS));
        var report = new Soak(TcpWire::new, seed).run(duration);
        Files.writeString(
                Path.of("target", "soak.txt"), duration + ", seed " + seed + ": " + report + "\n");
        assertTrue(report.done() > 0, report::toString);
        assertTrue(report.verifiedBytes() > 0, report::toString);
    }
}
