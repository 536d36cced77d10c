package io.kvwire.harness.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.pcie.SharedArena;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** The programs of the documentation run, and their pages show the programs that run. */
class SamplesTest {
    private static final Path PAGES = Path.of("..", "docs");
    private static final Path SAMPLES =
            Path.of("src", "test", "java", "io", "kvwire", "harness", "samples");
    private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @Test
    void theProgramOfTheGuideMovesEveryByteInPlace() {
        assertEquals(4 * 100 * 2 * 2 * 64 * 2, SplitSample.run());
    }

    @Test
    void theProgramOfSharedMemoryReadsWhatLiesAtItsPeer() {
        assumeTrue(
                SharedArena.unavailable().isEmpty(), () -> SharedArena.unavailable().orElseThrow());
        assertEquals(4 * 16 * 2 * 64 * 2 * 2, ViewSample.run());
    }

    @ParameterizedTest
    @CsvSource({"api-guide.md,SplitSample.java", "shared-memory.md,ViewSample.java"})
    void whatAPageShowsStandsInItsProgram(String page, String program) throws IOException {
        var sample = flat(Files.readString(SAMPLES.resolve(program)));
        var shown = CODE.matcher(Files.readString(PAGES.resolve(page)));
        assertTrue(shown.find(), "the page shows code");
        do {
            assertTrue(sample.contains(flat(shown.group(1))), shown::group);
        } while (shown.find());
    }

    private static String flat(String code) {
        return code.replaceAll("\\s+", "");
    }
}
