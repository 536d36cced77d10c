package io.kvwire.harness.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
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
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

@Timeout(120)
class BenchCommandTest {
    private static final String HOME = "kvwire.home";
    private static final Path RIG_FIGURES =
            Path.of("..", "benchmarks", "results", "rdma-2026-11-21.json");

    @TempDir private Path folder;

    @BeforeEach
    void inTheCheckout() {
        System.setProperty(HOME, Path.of("..").toAbsolutePath().normalize().toString());
    }

    @AfterEach
    void nowhere() {
        System.clearProperty(HOME);
    }

    /** Measures a workload of one's own for a moment. */
    private CommandLineRun quick(Path json, String workload, String... more) throws IOException {
        Files.writeString(workload(), workload);
        var words =
                new ArrayList<>(
                        List.of(
                                "bench",
                                "--quick",
                                "--rounds=1",
                                "--seconds=0.05",
                                "--json=" + json));
        words.add("--workloads=" + workload());
        words.addAll(List.of(more));
        return CommandLineRun.of(words.toArray(String[]::new));
    }

    private Path workload() {
        return folder.resolve("workload.json");
    }

    @Test
    void aRunComparesWithTheLimitAndNamesWhatIsMissing() throws IOException {
        assumeTrue(Files.isExecutable(Path.of("/usr/bin/cc")), "no C compiler");
        var json = folder.resolve("report.json");
        var ran =
                quick(
                        json,
                        """
                        {"name": "mine", "workingSetBytes": 1048576, "quickWorkingSetBytes": 1048576,
                         "points": [{"blockBytes": 4096, "blocks": 16, "scattered": true, "quick": true}]}
                        """,
                        "--subjects=limit-tcp,kvwire-tcp,kvwire-file");
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
    void aNewPeerIsMeasuredByItsPartsBesideTheRdmaOfAnEarlierRun() throws IOException {
        var json = folder.resolve("report.json");
        var html = folder.resolve("report.html");
        var ran =
                quick(
                        json,
                        """
                        {"name": "peers", "workingSetBytes": 1048576, "quickWorkingSetBytes": 1048576,
                         "points": [{"kind": "CHURN", "blockBytes": 4096, "blocks": 1, "quick": true}]}
                        """,
                        "--subjects=kvwire-tcp",
                        "--with=" + RIG_FIGURES,
                        "--html=" + html);
        assertEquals(0, ran.status(), ran.err());
        var report = BenchReport.read(json);
        var ours = report.rows().getFirst();
        assertTrue(ours.verified());
        assertEquals(Set.of("start and register", "connect", "first block"), ours.parts().keySet());
        assertTrue(ours.rounds().getFirst().transfers() >= 1);
        assertEquals(5, report.rig().rows().size());
        assertEquals("kvwire-rdma", report.comparisons().getFirst().subject());
        assertTrue(report.command().contains("--workloads=" + workload()), report.command());
        assertTrue(ran.out().contains("## rdma"), ran.out());
        assertTrue(Files.readString(html).contains("<h2>rdma</h2>"), "no RDMA on the page");
    }

    @Test
    void librariesAreMeasuredWithEveryByteCompared() throws IOException {
        assumeTrue(
                Files.exists(Path.of("/usr/include/ucp/api/ucp.h"))
                        && Files.exists(Path.of("/usr/include/rdma/fabric.h")),
                "no headers of UCX and libfabric");
        var json = folder.resolve("report.json");
        var ran =
                quick(
                        json,
                        """
                        {"name": "libraries", "workingSetBytes": 1048576, "quickWorkingSetBytes": 1048576,
                         "points": [
                          {"blockBytes": 4096, "blocks": 16, "scattered": true, "quick": true},
                          {"kind": "TRANSFER", "blockBytes": 65536, "blocks": 1, "quick": true},
                          {"kind": "CHURN", "blockBytes": 4096, "blocks": 1, "quick": true},
                          {"kind": "ALL_TO_ALL", "processes": 3, "blockBytes": 4096, "blocks": 16, "quick": true},
                          {"messageBytes": 64, "quick": true}]}
                        """,
                        "--subjects=ucx-tcp,libfabric-tcp,ucx-memory,libfabric-memory");
        assertEquals(0, ran.status(), ran.err());
        var rows = BenchReport.read(json).rows();
        assertEquals(5 * 4, rows.size());
        for (var row : rows) {
            assertNull(row.error(), row.toString());
            assertTrue(row.verified(), row.toString());
            assertTrue(row.figure().median() > 0, row.toString());
        }
    }

    @Test
    void figuresOfTheRigComeFromARunOrFromAFile() {
        var both = CommandLineRun.of("bench", "--rig", "--with=" + RIG_FIGURES);
        assertEquals(2, both.status());
        assertTrue(both.err().contains("mutually exclusive"), both.err());
        var none = CommandLineRun.of("bench", "--with=" + folder.resolve("none.json"));
        assertEquals(2, none.status(), none.err());
        assertTrue(none.err().contains("none.json"), none.err());
    }

    @Test
    void compareShowsWhatChanged() throws IOException {
        var before = folder.resolve("a.json");
        var after = folder.resolve("b.json");
        Samples.report(List.of(2.0, 2.2), List.of(1.0, 1.1)).write(before);
        Samples.report(List.of(4.0, 4.2), List.of(1.0, 1.1)).write(after);
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
