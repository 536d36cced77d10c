package io.kvwire.harness.samples;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** The guide's program runs, and the guide shows the program that runs. */
class SplitSampleTest {
    private static final Path GUIDE = Path.of("..", "docs", "api-guide.md");
    private static final Path SAMPLE =
            Path.of(
                    "src",
                    "test",
                    "java",
                    "io",
                    "kvwire",
                    "harness",
                    "samples",
                    "SplitSample.java");
    private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

    @Test
    void theProgramMovesEveryByteInPlace() {
        assertEquals(4 * 100 * 2 * 2 * 64 * 2, SplitSample.run());
    }

    @Test
    void whatTheGuideShowsStandsInTheProgram() throws IOException {
        var sample = flat(Files.readString(SAMPLE));
        var shown = CODE.matcher(Files.readString(GUIDE));
        assertTrue(shown.find(), "the guide shows code");
        do {
            assertTrue(sample.contains(flat(shown.group(1))), shown::group);
        } while (shown.find());
        assertFalse(sample.isEmpty());
    }

    private static String flat(String code) {
        return code.replaceAll("\\s+", "");
    }
}
