package io.kvwire.harness.serve;

import io.kvwire.harness.bench.Charts;
import io.kvwire.harness.bench.HtmlPage;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/** The report as a page: both modes in every chart. */
final class ServePage {
    private final ServeReport report;
    private final HtmlPage page;

    private ServePage(ServeReport report) {
        this.report = report;
        page = new HtmlPage("Coupled and decoupled serving, " + report.date());
    }

    static void write(ServeReport report, Path file) throws IOException {
        var made = new ServePage(report);
        made.page.paragraph(
                "%s, %d prefill and %d decode processes over %s, against as many that do both; %d tokens for each request."
                        .formatted(
                                report.model(),
                                report.prefillers(),
                                report.decoders(),
                                report.path(),
                                report.outputTokens()));
        report.findings().forEach(made.page::paragraph);
        var reason = Charts.unavailable();
        if (reason.isEmpty()) {
            made.charts();
        } else {
            made.page.paragraph("There are no charts: " + reason);
        }
        made.table();
        made.page.write(file);
    }

    private void charts() {
        page.heading("By rate");
        byRate("Time between tokens, 99th percentile", r -> r.itl().p99());
        byRate("Time between tokens, median", r -> r.itl().p50());
        byRate("Time to first token, median", r -> r.ttft().p50());
        byRate("Time to first token, 99th percentile", r -> r.ttft().p99());
        double highest =
                report.runs().stream()
                        .mapToDouble(ServeReport.Run::requestsPerSecond)
                        .max()
                        .orElse(0);
        page.heading("Over time, at %.2g requests/s".formatted(highest));
        var runs = report.runs().stream().filter(r -> r.requestsPerSecond() == highest).toList();
        gaps(runs);
        overTime("Queue depth, all workers", "requests", runs, ServeReport.Sample::queued);
        overTime("Sequences that decode", "sequences", runs, ServeReport.Sample::active);
        overTime("Prefixes under a lease", "prefixes", runs, ServeReport.Sample::leases);
        overTime("KV blocks in use, fullest worker", "share", runs, ServeReport.Sample::kvUse);
    }

    /** One chart for each mode, of the same height: one above the other would hide it. */
    private void gaps(List<ServeReport.Run> runs) {
        double top =
                runs.stream()
                        .flatMap(run -> run.gaps().stream())
                        .mapToDouble(ServeReport.Gap::millis)
                        .max()
                        .orElse(0);
        for (var run : runs) {
            if (!run.gaps().isEmpty()) {
                var sorted =
                        run.gaps().stream()
                                .sorted(Comparator.comparing(ServeReport.Gap::seconds))
                                .toList();
                var line =
                        new Charts.Line(
                                sorted.stream().map(ServeReport.Gap::seconds).toList(),
                                sorted.stream().map(ServeReport.Gap::millis).toList());
                page.chart(
                        Charts.lines(
                                "Time between tokens, " + run.mode(),
                                "s",
                                "ms",
                                top,
                                Map.of(run.mode(), line)));
            }
        }
    }

    private void byRate(String title, ToDoubleFunction<ServeReport.Run> figure) {
        Map<String, List<Double>> series = new LinkedHashMap<>();
        var rates =
                report.runs().stream().map(ServeReport.Run::requestsPerSecond).distinct().toList();
        for (var mode : List.of("coupled", "decoupled")) {
            series.put(
                    mode,
                    rates.stream()
                            .map(rate ->
                                    report.runs().stream()
                                            .filter(r -> r.mode().equals(mode))
                                            .filter(r -> rate.equals(r.requestsPerSecond()))
                                            .mapToDouble(figure)
                                            .findFirst()
                                            .orElse(Double.NaN))
                            .toList());
        }
        var names = rates.stream().map(r -> "%.2g requests/s".formatted(r)).toList();
        page.chart(Charts.bars(title, "ms", names, series));
    }

    private void overTime(
            String title,
            String unit,
            List<ServeReport.Run> runs,
            ToDoubleFunction<ServeReport.Sample> value) {
        Map<String, Charts.Line> series = new LinkedHashMap<>();
        for (var run : runs) {
            series.put(
                    run.mode(),
                    new Charts.Line(
                            run.samples().stream().map(ServeReport.Sample::seconds).toList(),
                            run.samples().stream().map(s -> value.applyAsDouble(s)).toList()));
        }
        page.chart(Charts.lines(title, "s", unit, 0, series));
    }

    private void table() {
        page.heading("All figures");
        page.table(
                List.of(
                        "mode",
                        "requests/s",
                        "sent",
                        "failed",
                        "TTFT p50 ms",
                        "TTFT p99 ms",
                        "ITL p50 ms",
                        "ITL p99 ms",
                        "tokens/s"),
                report.runs().stream()
                        .map(r ->
                                List.of(
                                        r.mode(),
                                        number(r.requestsPerSecond()),
                                        Integer.toString(r.requests()),
                                        Integer.toString(r.failed()),
                                        number(r.ttft().p50()),
                                        number(r.ttft().p99()),
                                        number(r.itl().p50()),
                                        number(r.itl().p99()),
                                        number(r.tokensPerSecond())))
                        .toList(),
                report.runs().stream().map(r -> r.failed() > 0).toList());
    }

    private static String number(double value) {
        return String.format(Locale.ROOT, "%.2f", value);
    }
}
