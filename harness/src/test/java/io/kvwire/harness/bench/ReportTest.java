package io.kvwire.harness.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

class ReportTest {
    @TempDir private Path folder;

    @Test
    void aSummaryHasTheMedianAndSaysWhenRoundsLieFarApart() {
        assertEquals(2.5, Summary.of(List.of(4.0, 1.0, 3.0, 2.0)).median());
        assertFalse(Summary.of(List.of(1.0, 1.1, 1.2)).wide());
        assertTrue(Summary.of(List.of(1.0, 1.1, 1.5)).wide());
    }

    @Test
    void aReportReadsBackAsItWasWritten() throws IOException {
        var report = Samples.report(List.of(2.0, 2.1), List.of(1.0, 1.1));
        var file = folder.resolve("report.json");
        report.write(file);
        assertEquals(report, BenchReport.read(file));
    }

    @Test
    void theTimesOfADemoAreShownByPathModeAndCodec() throws IOException {
        var times = DemoTimes.read(Path.of("..", "benchmarks", "results", "demo-2026-11-21.json"));
        assertTrue(
                times.stream().anyMatch(t -> t.label().startsWith("tcp layerwise raw")),
                times.toString());
        var file = folder.resolve("no-demo.json");
        Files.writeString(file, "{}");
        assertThrows(IllegalArgumentException.class, () -> DemoTimes.read(file));
    }

    @Test
    void theFiguresOfTheRigAreComparisonsWithPerftest() throws IOException {
        var file = folder.resolve("rig.json");
        Files.writeString(
                file,
                """
                {"machine": "guest", "command": "rig perf", "provider": "panama", "rows": [
                 {"what": "WRITE", "unit": "MB/s", "baseline": "ib_write_bw", "theirs": 50, "ours": 60,
                  "ratio": 1.2, "ratios": [1.1, 1.2, 1.3], "target": "at least 0.90", "reached": true},
                 {"what": "ping", "unit": "us", "baseline": "ib_write_lat", "theirs": 10, "ours": 20,
                  "ratio": 2, "ratios": [2, 2.5, 1.6], "target": "at most 1.5", "reached": false}]}
                """);
        var comparisons = RigFigures.read(file).comparisons();
        assertEquals(1.2, comparisons.getFirst().advantage().median());
        assertEquals("", comparisons.getFirst().why());
        assertEquals(0.5, comparisons.getLast().advantage().median());
        assertTrue(comparisons.getLast().why().contains("at most 1.5"));
        var kept = Path.of("..", "benchmarks", "results", "rdma-2026-11-21.json");
        assertEquals(5, RigFigures.read(kept).rows().size());
        assertTrue(RigFigures.missing().stream().allMatch(t -> t.missing().contains("--rig")));
        var other = folder.resolve("no-rig.json");
        Files.writeString(other, "{}");
        assertThrows(IllegalArgumentException.class, () -> RigFigures.read(other));
    }

    @Test
    void aReportOfAnotherSchemaIsRefused() throws IOException {
        var file = folder.resolve("old.json");
        Files.writeString(file, "{\"schema\": 99}");
        var error = assertThrows(IllegalArgumentException.class, () -> BenchReport.read(file));
        assertTrue(error.getMessage().contains("schema 99"), error.getMessage());
    }

    @Test
    void theTerminalShowsWhoIsMissingAndWhereWeAreBehindAndWhy() {
        var text = new StringWriter();
        MarkdownReport.print(
                Samples.report(List.of(2.0, 2.1), List.of(1.0, 1.1)), new PrintWriter(text));
        assertTrue(text.toString().contains("**missing**: not installed"), text.toString());
        assertTrue(text.toString().contains("0 of 1 comparisons"), text.toString());
        assertTrue(text.toString().contains("it is <slower>"), text.toString());
        assertTrue(text.toString().contains("- shortened: test/one: 1 of 2"), text.toString());
    }

    @Test
    void onlyWhatLiesOutsideTheRoundsOfBothCountsAsAChange() {
        var before = Samples.report(List.of(2.0, 2.2), List.of(1.0, 1.2));
        var after = Samples.report(List.of(1.0, 1.1), List.of(1.1, 1.3));
        var changes = Compare.of(before, after);
        assertEquals(3, changes.size());
        var real = changes.stream().filter(Compare.Change::beyondNoise).toList();
        assertEquals(1, real.size());
        assertTrue(real.getFirst().key().endsWith("kvwire-tcp"), real.getFirst().key());
        assertEquals(2.0, real.getFirst().change(), 0.1);
    }

    @Test
    void thePageLoadsNothingAndEscapesWhatItShows() throws IOException {
        var page = page();
        assertFalse(page.contains("<script"), "a script");
        assertFalse(page.matches("(?s).*(src|href)=\"(?!#).*"), "something from elsewhere");
        assertTrue(page.contains("it is &lt;slower&gt;"), "not escaped");
    }

    @Test
    void aPageShowsWhatHappenedWhenInARequest() throws IOException {
        assumeTrue(Charts.unavailable().isEmpty(), Charts.unavailable());
        var page = page();
        assertTrue(page.contains("What happened when, layer by layer"), "no timeline");
        assertTrue(page.contains("tcp layerwise raw"), "no name");
        var bar = List.of(new Charts.Bar(0, 0, 1), new Charts.Bar(1, 1, 2));
        var one = Charts.bands("one", "ms", "layer", Map.of("compute", bar));
        var two = Charts.bands("one", "ms", "layer", Map.of("compute", bar, "wire", bar));
        assertTrue(two.length() > one.length(), "the second stage is not there");
    }

    @Test
    void aDrawingIsKeptToATenthOfAPixelAndItsPiecesAreJoined() {
        var svg =
                """
                <svg width="960px">
                  <line style="stroke:red;" x1="0.04999" x2="10.26" y1="1.0" y2="-2.5E-7"/>
                  <line style="stroke:red;" x1="10.26" x2="20" y1="-2.5E-7" y2="3.96"/>
                  <line style="stroke:red;" x1="30" x2="40" y1="5" y2="6"/>
                  <rect x="1.234"/>
                </svg>
                """;
        var expected =
                """
                <svg width="960px">
                <path d="M0 1L10.3 0L20 4" style="stroke:red;stroke-linejoin:round"/>
                <path d="M30 5L40 6" style="stroke:red;stroke-linejoin:round"/>
                <rect x="1.2"/></svg>
                """;
        assertEquals(expected.replace("\n", ""), SvgText.compact(svg).strip());
    }

    @Test
    void aCurveOfManyPointsIsNoHeavyPage() {
        assumeTrue(Charts.unavailable().isEmpty(), Charts.unavailable());
        var x = IntStream.range(0, 5_000).mapToObj(i -> i / 100.0).toList();
        var y = IntStream.range(0, 5_000).mapToObj(i -> i * 7 % 100 / 9.0).toList();
        var line = Map.of("one", new Charts.Line(x, y));
        int bytes = Charts.lines("curve", "s", "ms", 0, line).length();
        assertTrue(bytes < 150_000, bytes + " bytes");
    }

    private String page() throws IOException {
        var file = folder.resolve("report.html");
        HtmlReport.write(Samples.report(List.of(2.0, 2.1), List.of(1.0, 1.1)), file);
        return Files.readString(file);
    }

    /**
     * A browser lays the page out: every chart has a size, and nothing is wider than the window.
     */
    @Test
    @Timeout(60)
    void aBrowserShowsTheChartsAndTheTables() throws IOException, InterruptedException {
        var browser = browser();
        assumeTrue(!browser.isEmpty(), "no Chromium (Debian: chromium)");
        assumeTrue(Charts.unavailable().isEmpty(), Charts.unavailable());
        var page =
                page().replace(
                                "</body>",
                                "<script>const s=[...document.querySelectorAll('svg')]"
                                    + ".map(e=>e.getBoundingClientRect());document.title='charts"
                                    + " '+s.filter(r=>r.width>300&&r.height>100&&r.right<=innerWidth).length+'"
                                    + " of '+s.length+', rows '+document.querySelectorAll('tbody"
                                    + " tr').length;</script></body>");
        var file = folder.resolve("looked-at.html");
        Files.writeString(file, page);
        var out = folder.resolve("dom");
        var process =
                new ProcessBuilder(
                                browser,
                                "--headless",
                                "--no-sandbox",
                                "--disable-gpu",
                                "--user-data-dir=" + folder.resolve("profile"),
                                "--window-size=1200,900",
                                "--dump-dom",
                                file.toUri().toString())
                        .redirectOutput(out.toFile())
                        .redirectError(ProcessBuilder.Redirect.DISCARD)
                        .start();
        assertTrue(process.waitFor(50, TimeUnit.SECONDS), "the browser did not end");
        var dom = Files.readString(out);
        assertTrue(dom.contains("<title>charts 6 of 6, rows 10</title>"), title(dom));
    }

    private static String title(String dom) {
        int at = dom.indexOf("<title>");
        return at < 0 ? "no title" : dom.substring(at, Math.min(dom.length(), at + 80));
    }

    private static String browser() {
        return Stream.of("chromium", "chromium-browser", "google-chrome")
                .map(name -> Path.of("/usr/bin", name))
                .filter(Files::isExecutable)
                .map(Path::toString)
                .findFirst()
                .orElse("");
    }
}
