package io.kvwire.harness.bench;

import static io.kvwire.harness.bench.MarkdownReport.number;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;

/** What changed between two reports beyond the noise of both. */
final class Compare {
    /**
     * One figure of both reports.
     *
     * @param key workload, point and subject
     * @param unit of the figures
     * @param before median
     * @param after median
     * @param change how many times better it became: above 1 is better
     * @param beyondNoise whether the rounds of the two do not overlap
     */
    record Change(
            String key,
            String unit,
            double before,
            double after,
            double change,
            boolean beyondNoise) {}

    private Compare() {}

    static List<Change> of(BenchReport before, BenchReport after) {
        var changes = new ArrayList<Change>();
        for (var then : before.rows()) {
            for (var now : after.rows()) {
                if (then.figure() != null
                        && now.figure() != null
                        && then.subject().equals(now.subject())
                        && then.point().equals(now.point())) {
                    changes.add(change(then, now));
                }
            }
        }
        return changes;
    }

    private static Change change(BenchReport.Row then, BenchReport.Row now) {
        double a = then.figure().median();
        double b = now.figure().median();
        boolean apart =
                then.figure().highest() < now.figure().lowest()
                        || now.figure().highest() < then.figure().lowest();
        return new Change(
                then.point().key() + ", " + then.subject(),
                then.unit(),
                a,
                b,
                then.point().kind().timed() ? a / b : b / a,
                apart);
    }

    static void print(BenchReport before, BenchReport after, PrintWriter out) {
        var changes = of(before, after);
        var real = changes.stream().filter(Change::beyondNoise).toList();
        if (!before.machine().equals(after.machine())) {
            out.println("Two machines or versions: figures do not compare, ratios may.");
            out.println("  " + before.machine());
            out.println("  " + after.machine());
            out.println();
        }
        out.printf(
                "%d of %d figures changed beyond the noise of their rounds.%n%n",
                real.size(), changes.size());
        if (!real.isEmpty()) {
            out.println("| figure | before | after | times better |");
            out.println("|---|---|---|---|");
            real.forEach(c ->
                    out.printf(
                            "| %s | %s %s | %s %s | %s%s |%n",
                            c.key(),
                            number(c.before()),
                            c.unit(),
                            number(c.after()),
                            c.unit(),
                            number(c.change()),
                            c.change() < 1 ? " **worse**" : ""));
        }
        out.flush();
    }
}
