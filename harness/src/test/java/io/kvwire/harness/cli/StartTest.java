package io.kvwire.harness.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

class StartTest {

    private record Ended(int status, String standardError) {}

    @Test
    void whatTheJvmSaysAtItsStartIsHiddenAndWhatTheCommandSaysIsNot() throws Exception {
        var ended = run("199>&2 2>/dev/null");

        assertEquals(2, ended.status());
        assertTrue(ended.standardError().contains("--no-such-flag"), ended::standardError);
        assertFalse(ended.standardError().contains("incubator"), ended::standardError);
    }

    @Test
    void aDescriptorThatIsNotOpenLeavesStandardErrorAsItIs() throws Exception {
        var ended = run("199>&-");

        assertEquals(2, ended.status());
        assertTrue(ended.standardError().contains("--no-such-flag"), ended::standardError);
        assertTrue(ended.standardError().contains("incubator"), ended::standardError);
    }

    /** Starts a JVM as the launcher does, with its descriptors redirected. */
    private static Ended run(String redirections) throws IOException, InterruptedException {
        var java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        var process =
                new ProcessBuilder(
                                "bash",
                                "-c",
                                "exec \"$@\" " + redirections,
                                "kvwire",
                                java,
                                "--add-modules=jdk.incubator.vector",
                                "--enable-native-access=ALL-UNNAMED",
                                "-cp",
                                System.getProperty("java.class.path"),
                                "-D" + Start.STDERR_PROPERTY + "=199",
                                Start.class.getName(),
                                "--no-such-flag")
                        .start();
        process.getOutputStream().close();
        var error = new String(process.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
        return new Ended(process.waitFor(), error);
    }
}
