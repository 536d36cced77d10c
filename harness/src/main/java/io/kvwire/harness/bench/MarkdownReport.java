package io.kvwire.harness.bench;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The report for a terminal, or for a file beside the code. */
final class MarkdownReport {
    private final BenchReport report;
    private final PrintWriter out;

    private MarkdownReport(BenchReport report, PrintWriter out) {
        this.report = report;
        this.out = out;
    }

    static void print(BenchReport report, PrintWriter out) {
        var page = new MarkdownReport(report, out);
        page.head();
        page.subjects();
        page.tables();
        page.rig();
        page.behind();
        page.demo();
        out.flush();
    }

    private void head() {
        out.println("# kvwire beside its peers, " + report.date());
        out.println();
        report.machine().forEach((key, value) -> out.println(key + ": " + value + "  "));
        out.printf(
                Locale.ROOT,
                "command: `%s`; %d rounds that take turns, %.2g s each, %.0f s in all%s%n%n",
                report.command(),
                report.rounds(),
                report.secondsEach(),
                report.tookSeconds(),
                report.secondsEach() * report.rounds() < 10 ? " (short: directional)" : "");
    }

    private void subjects() {
        out.println("| subject | over | found |");
        out.println("|---|---|---|");
        for (var s : report.subjects()) {
            out.printf(
                    "| %s | %s | %s |%n",
                    s.id(),
                    s.link().text(),
                    cell(s.missing() == null ? s.version() : "**missing**: " + s.missing()));
        }
        out.println();
    }

    private void tables() {
        var workloads = report.rows().stream().map(r -> r.point().workload()).distinct().toList();
        for (var workload : workloads) {
            out.println("## " + workload);
            out.println();
            out.println(
                    "| point | subject | median | lowest - highest | p99 us | of limit | CPU s/GB |"
                            + " peak MiB | verified |");
            out.println("|---|---|---|---|---|---|---|---|---|");
            report.rows().stream()
                    .filter(r -> r.point().workload().equals(workload))
                    .forEach(this::row);
            out.println();
        }
        report.shortened().forEach(line -> out.println("- shortened: " + line));
        report.leftOut().forEach(line -> out.println("- left out: " + line));
        if (!report.leftOut().isEmpty() || !report.shortened().isEmpty()) {
            out.println();
        }
    }

    private void row(BenchReport.Row r) {
        if (r.figure() == null) {
            if (r.unsupported() == null) {
                out.printf(
                        "| %s | %s | **failed** | %s | | | | | |%n",
                        r.point().id(), r.subject(), cell(r.error()));
            } else {
                out.printf(
                        "| %s | %s | - | %s | | | | | |%n",
                        r.point().id(), r.subject(), cell(r.unsupported()));
            }
            return;
        }
        out.printf(
                "| %s | %s | %s %s%s | %s - %s | %s | %s | %s | %s | %s |%n",
                r.point().id(),
                r.subject(),
                number(r.figure().median()),
                r.unit(),
                r.figure().wide() ? " (wide)" : "",
                number(r.figure().lowest()),
                number(r.figure().highest()),
                r.p99Micros() == 0 ? "-" : number(r.p99Micros()),
                limitShare(r),
                r.cpuSecondsPerGigabyte() == null || r.point().kind().timed()
                        ? "-"
                        : number(r.cpuSecondsPerGigabyte()),
                r.peakBytes() == null || r.peakBytes() == 0
                        ? "-"
                        : Long.toString(r.peakBytes() >> 20),
                r.verified() == null ? "not by its tool" : r.verified() ? "yes" : "**NO**");
    }

    private String limitShare(BenchReport.Row row) {
        return report.comparisons().stream()
                .filter(c -> c.role() == Subject.Role.LIMIT)
                .filter(c -> c.key().equals(row.point().key()) && c.subject().equals(row.subject()))
                .map(c -> number(c.advantage().median()))
                .findFirst()
                .orElse("-");
    }

    private void rig() {
        if (report.rig() == null) {
            return;
        }
        out.println("## rdma");
        out.println();
        out.println(report.rig().machine() + "; `" + report.rig().command() + "`. Ratios alone.");
        out.println();
        out.println("| what | perftest | kvwire | ratio | of each round | target | verified |");
        out.println("|---|---|---|---|---|---|---|");
        for (var row : report.rig().rows()) {
            out.printf(
                    "| %s (%s) | %s %s | %s %s | %s | %s | %s%s | %s |%n",
                    row.what(),
                    row.baseline(),
                    number(row.theirs()),
                    row.unit(),
                    number(row.ours()),
                    row.unit(),
                    number(row.ratio()),
                    row.ratios().stream()
                            .map(MarkdownReport::number)
                            .collect(Collectors.joining(", ")),
                    row.target(),
                    row.reached() ? "" : ", **not reached**",
                    row.verified() == null ? "-" : row.verified() ? "yes" : "**NO**");
        }
        out.println();
    }

    private void behind() {
        var peers =
                report.comparisons().stream().filter(c -> c.role() == Subject.Role.PEER).toList();
        var behind = peers.stream().filter(BenchReport.Comparison::behind).toList();
        out.printf(
                "## Against peers%n%n%d of %d comparisons with a peer are ahead or even.%n%n",
                peers.size() - behind.size(), peers.size());
        if (!behind.isEmpty()) {
            out.println("| behind at | subject | against | ratio | CPU ratio | why |");
            out.println("|---|---|---|---|---|---|");
            behind.forEach(c ->
                    out.printf(
                            "| %s | %s | %s | %s%s | %s | %s |%n",
                            c.key(),
                            c.subject(),
                            c.against(),
                            number(c.advantage().median()),
                            c.advantage().wide() ? " (wide)" : "",
                            c.cpuRatio() == null ? "-" : number(c.cpuRatio()),
                            cell(c.why())));
            out.println();
        }
        notes();
    }

    private void demo() {
        if (report.demo().isEmpty()) {
            return;
        }
        out.println("## Whole requests");
        out.println();
        out.println("| step | how | TTFT ms | TPOT ms | handover ms | hidden |");
        out.println("|---|---|---|---|---|---|");
        report.demo()
                .forEach(row ->
                        out.printf(
                                Locale.ROOT,
                                "| %s | %s | %s | %s | %s | %.0f %% |%n",
                                row.step(),
                                cell(row.label()),
                                number(row.ttftMillis()),
                                number(row.tpotMillis()),
                                number(row.handoverMillis()),
                                row.hiddenShare() * 100));
        out.println();
    }

    private void notes() {
        List<String> notes =
                report.rows().stream()
                        .filter(r -> !r.note().isEmpty())
                        .map(r -> r.subject() + ": " + r.note())
                        .distinct()
                        .toList();
        out.println(
                notes.stream()
                        .map(n -> "- " + n)
                        .collect(Collectors.joining(System.lineSeparator())));
    }

    static String number(double value) {
        double size = Math.abs(value);
        var pattern = size >= 1000 ? "%.0f" : size >= 10 ? "%.1f" : size >= 0.1 ? "%.2f" : "%.3g";
        return String.format(Locale.ROOT, pattern, value);
    }

    private static String cell(String text) {
        return String.valueOf(text).replace("|", "\\|");
    }
}
