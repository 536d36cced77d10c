package io.kvwire.harness.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.kvwire.harness.cli.CommandLineRun;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

@Timeout(120)
class BenchCommandTest {
    private static final String HOME = "kvwire.home";

    @TempDir private Path folder;

    @BeforeEach
    void inTheCheckout() {
        System.setProperty(HOME, Path.of("..").toAbsolutePath().normalize().toString());
    }

    @AfterEach
    void nowhere() {
        System.clearProperty(HOME);
    }

    @Test
    void aRunComparesWithTheLimitAndNamesWhatIsMissing() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/cc")), "no C compiler");
        var json = folder.resolve("report.json");
        var workload = folder.resolve("mine.json");
        Files.writeString(
                workload,
                """
                {"name": "mine", "workingSetBytes": 1048576, "quickWorkingSetBytes": 1048576,
                 "points": [{"blockBytes": 4096, "blocks": 16, "scattered": true, "quick": true}]}
                """);
        var ran =
                CommandLineRun.of(
                        "bench",
                        "--quick",
                        "--rounds=1",
                        "--seconds=0.05",
                        "--workloads=" + workload,
                        "--subjects=limit-tcp,kvwire-tcp,kvwire-file",
                        "--json=" + json);
        assertEquals(0, ran.status(), ran.err());
        var report = BenchReport.read(json);
        assertEquals(3, report.subjects().size());
        var ours =
                report.rows().stream()
                        .filter(r -> r.subject().equals("kvwire-tcp"))
                        .findFirst()
                        .orElseThrow();
        assertTrue(ours.figure().median() > 0, "no throughput");
        assertTrue(ours.verified());
        assertEquals(1, report.comparisons().size(), report.comparisons().toString());
        assertTrue(ran.out().contains("## mine"), ran.out());
    }

    @Test
    void compareShowsWhatChanged() throws IOException {
        var before = folder.resolve("a.json");
        var after = folder.resolve("b.json");
        Samples.report(java.util.List.of(2.0, 2.2), java.util.List.of(1.0, 1.1)).write(before);
        Samples.report(java.util.List.of(4.0, 4.2), java.util.List.of(1.0, 1.1)).write(after);
        var ran = CommandLineRun.of("bench", "compare", before.toString(), after.toString());
        assertEquals(0, ran.status(), ran.err());
        assertTrue(ran.out().contains("1 of 3 figures changed"), ran.out());
        assertTrue(ran.out().contains("**worse**"), ran.out());
    }

    @Test
    void aNameThatIsNotThereIsNamed() {
        var ran = CommandLineRun.of("bench", "--subjects", "rsync");
        assertEquals(2, ran.status());
        assertTrue(ran.err().contains("rsync"), ran.err());
        assertEquals(2, CommandLineRun.of("bench", "--workloads", "nothing").status());
    }
}
