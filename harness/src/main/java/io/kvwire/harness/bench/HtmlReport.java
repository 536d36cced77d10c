package io.kvwire.harness.bench;

import static io.kvwire.harness.bench.MarkdownReport.number;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;

/** The report as a page: charts first, then every figure. */
final class HtmlReport {
    private final BenchReport report;
    private final HtmlPage page;
    private final boolean draws;

    private HtmlReport(BenchReport report) {
        this.report = report;
        page = new HtmlPage("kvwire beside its peers");
        var reason = Charts.unavailable();
        draws = reason.isEmpty();
        page.paragraph(
                "%s, %d rounds that take turns, %s s each. %s"
                        .formatted(
                                report.date(),
                                report.rounds(),
                                number(report.secondsEach()),
                                report.machine()));
        if (!draws) {
            page.paragraph("There are no charts: " + reason);
        }
    }

    static void write(BenchReport report, Path file) throws IOException {
        var html = new HtmlReport(report);
        html.subjects();
        html.limits();
        for (var workload :
                report.rows().stream().map(r -> r.point().workload()).distinct().toList()) {
            html.workload(workload);
        }
        html.rig();
        html.against();
        html.requests();
        html.page.write(file);
    }

    private void subjects() {
        page.heading("Who took part");
        page.table(
                List.of("subject", "over", "found"),
                report.subjects().stream()
                        .map(s ->
                                List.of(
                                        s.id(),
                                        s.link().text(),
                                        s.missing() == null
                                                ? s.version()
                                                : "missing: " + s.missing()))
                        .toList(),
                report.subjects().stream().map(s -> s.missing() != null).toList());
    }

    private void limits() {
        var lines =
                Stream.concat(
                                report.shortened().stream().map(line -> List.of("shortened", line)),
                                report.leftOut().stream().map(line -> List.of("left out", line)))
                        .toList();
        if (!lines.isEmpty()) {
            page.heading("What the time or the memory did not do for");
            page.table(List.of("", "point"), lines, List.of());
        }
    }

    private void workload(String workload) {
        page.heading(workload);
        for (var link : Subject.Link.values()) {
            for (var unit : List.of("GB/s", "us", "ms")) {
                var rows =
                        report.rows().stream()
                                .filter(r -> r.point().workload().equals(workload))
                                .filter(r -> r.unit().equals(unit) && r.figure() != null)
                                .filter(r -> report.taker(r.subject()).link() == link)
                                .toList();
                if (!rows.isEmpty() && draws) {
                    var what = unit.equals("GB/s") ? "more is better" : "less is better";
                    page.chart(bars(workload + " over " + link.text() + ", " + what, unit, rows));
                    page.chart(shares(workload, link, rows));
                }
            }
        }
        var rows =
                report.rows().stream().filter(r -> r.point().workload().equals(workload)).toList();
        page.table(
                List.of(
                        "point",
                        "subject",
                        "median",
                        "lowest - highest",
                        "p99 us",
                        "CPU s/GB",
                        "peak MiB",
                        "verified"),
                rows.stream().map(HtmlReport::cells).toList(),
                rows.stream()
                        .map(r -> Boolean.FALSE.equals(r.verified()) || r.error() != null)
                        .toList());
    }

    private static List<String> cells(BenchReport.Row r) {
        if (r.figure() == null) {
            var why = r.unsupported() == null ? "failed: " + r.error() : r.unsupported();
            return List.of(r.point().id(), r.subject(), "-", why, "", "", "", "");
        }
        return List.of(
                r.point().id(),
                r.subject(),
                number(r.figure().median()) + " " + r.unit() + (r.figure().wide() ? " (wide)" : ""),
                number(r.figure().lowest()) + " - " + number(r.figure().highest()),
                number(r.p99Micros()),
                r.cpuSecondsPerGigabyte() == null ? "-" : number(r.cpuSecondsPerGigabyte()),
                r.peakBytes() == null ? "-" : Long.toString(r.peakBytes() >> 20),
                r.verified() == null ? "not by its tool" : r.verified() ? "yes" : "NO");
    }

    private String bars(String title, String unit, List<BenchReport.Row> rows) {
        return grouped(title, unit, rows, r -> r.figure().median());
    }

    /** What part of the limit each subject reaches. */
    private String shares(String workload, Subject.Link link, List<BenchReport.Row> rows) {
        return grouped(
                workload + " over " + link.text() + ", share of the C loop",
                "share of the limit",
                rows,
                this::share);
    }

    private double share(BenchReport.Row row) {
        return report.rows().stream()
                .filter(r -> r.point().equals(row.point()) && r.figure() != null)
                .filter(r -> {
                    var taker = report.taker(r.subject());
                    return taker.role() == Subject.Role.LIMIT
                            && taker.link() == report.taker(row.subject()).link();
                })
                .mapToDouble(r ->
                        row.point().kind().timed()
                                ? r.figure().median() / row.figure().median()
                                : row.figure().median() / r.figure().median())
                .findFirst()
                .orElse(Double.NaN);
    }

    private String grouped(
            String title,
            String unit,
            List<BenchReport.Row> rows,
            Function<BenchReport.Row, Double> value) {
        var points = rows.stream().map(r -> r.point().id()).distinct().toList();
        Map<String, List<Double>> series = new LinkedHashMap<>();
        for (var subject : rows.stream().map(BenchReport.Row::subject).distinct().toList()) {
            var values = new ArrayList<Double>();
            for (var point : points) {
                values.add(
                        rows.stream()
                                .filter(r -> r.subject().equals(subject))
                                .filter(r -> r.point().id().equals(point))
                                .map(value)
                                .findFirst()
                                .orElse(Double.NaN));
            }
            if (values.stream().anyMatch(v -> !Double.isNaN(v))) {
                series.put(report.taker(subject).label(), values);
            }
        }
        return series.isEmpty() ? "" : Charts.bars(title, unit, points, series);
    }

    private void rig() {
        if (report.rig() == null) {
            return;
        }
        var rows = report.rig().rows();
        page.heading(RigFigures.WORKLOAD);
        page.paragraph(
                report.rig().machine() + ". Its processors are emulated: only ratios count.");
        if (draws) {
            page.chart(
                    Charts.bars(
                            "How many times better than perftest",
                            "ratio",
                            rows.stream().map(RigFigures.Measured::what).toList(),
                            Map.of(
                                    "kvwire rdma",
                                    rows.stream().map(r -> r.advantage().median()).toList())));
        }
        page.table(
                List.of("what", "perftest", "kvwire", "ratio", "target"),
                rows.stream()
                        .map(r ->
                                List.of(
                                        r.what(),
                                        number(r.theirs()) + " " + r.unit(),
                                        number(r.ours()) + " " + r.unit(),
                                        number(r.ratio()),
                                        r.target()))
                        .toList(),
                rows.stream()
                        .map(r -> !r.reached() || Boolean.FALSE.equals(r.verified()))
                        .toList());
    }

    private void requests() {
        if (!report.demo().isEmpty()) {
            new RequestsSection(report.demo(), page, draws).add();
        }
    }

    private void against() {
        page.heading("Against limit and peers");
        page.paragraph(
                "The ratio says how many times better kvwire is: more GB/s, or less time. Below 1"
                        + " it is behind.");
        page.table(
                List.of("point", "subject", "against", "ratio", "CPU ratio", "why behind"),
                report.comparisons().stream()
                        .map(c ->
                                List.of(
                                        c.key(),
                                        c.subject(),
                                        c.against(),
                                        number(c.advantage().median())
                                                + (c.advantage().wide() ? " (wide)" : ""),
                                        c.cpuRatio() == null ? "-" : number(c.cpuRatio()),
                                        c.why()))
                        .toList(),
                report.comparisons().stream()
                        .map(c -> c.behind() && c.role() == Subject.Role.PEER)
                        .toList());
    }
}
