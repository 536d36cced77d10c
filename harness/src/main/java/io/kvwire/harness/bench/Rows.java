package io.kvwire.harness.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/** Makes rows of answers, and comparisons of rows. */
final class Rows {
    private Rows() {}

    static BenchReport.Row row(Point point, Subject subject, List<Answer> answers) {
        var rounds = answers.stream().map(Answer::figures).filter(Objects::nonNull).toList();
        var last = answers.getLast();
        if (last.figures() == null || rounds.isEmpty()) {
            return new BenchReport.Row(
                    point,
                    subject.id(),
                    unit(point),
                    null,
                    null,
                    null,
                    null,
                    null,
                    "",
                    Map.of(),
                    last.unsupported(),
                    last.unsupported() == null ? String.valueOf(last.error()) : null,
                    List.of());
        }
        return new BenchReport.Row(
                point,
                subject.id(),
                unit(point),
                Summary.of(rounds.stream().map(f -> figure(point, f)).toList()),
                Summary.of(rounds.stream().map(Figures::p99Micros).toList()).median(),
                median(rounds, Figures::cpuSecondsPerGigabyte).orElse(null),
                rounds.stream()
                        .map(Figures::peakBytes)
                        .filter(Objects::nonNull)
                        .max(Long::compare)
                        .orElse(null),
                verified(rounds),
                rounds.getFirst().note(),
                rounds.getLast().parts(),
                null,
                null,
                rounds);
    }

    private static Boolean verified(List<Figures> rounds) {
        var known = rounds.stream().map(Figures::verified).filter(Objects::nonNull).toList();
        return known.isEmpty() ? null : known.stream().allMatch(Boolean.TRUE::equals);
    }

    private static Optional<Double> median(List<Figures> rounds, Function<Figures, Double> value) {
        var known = rounds.stream().map(value).filter(Objects::nonNull).toList();
        return known.isEmpty() ? Optional.empty() : Optional.of(Summary.of(known).median());
    }

    private static String unit(Point point) {
        return switch (point.kind()) {
            case BLOCKS, MANY_TO_ONE, ONE_TO_MANY, ALL_TO_ALL -> "GB/s";
            case CHURN -> "ms";
            case MESSAGE, TRANSFER -> "us";
        };
    }

    private static double figure(Point point, Figures figures) {
        return switch (point.kind()) {
            case BLOCKS, MANY_TO_ONE, ONE_TO_MANY, ALL_TO_ALL -> figures.gigabytesPerSecond();
            case CHURN -> figures.p50Micros() / 1e3;
            case MESSAGE, TRANSFER -> figures.p50Micros();
        };
    }

    static List<BenchReport.Comparison> compare(List<BenchReport.Row> rows, Reasons reasons) {
        var comparisons = new ArrayList<BenchReport.Comparison>();
        for (var ours : rows) {
            var mine = subject(ours.subject());
            if (mine.role() != Subject.Role.KVWIRE || ours.figure() == null) {
                continue;
            }
            for (var theirs : rows) {
                var other = subject(theirs.subject());
                if (theirs.figure() != null
                        && theirs.point().equals(ours.point())
                        && other.link() == mine.link()
                        && other.role() != Subject.Role.KVWIRE) {
                    comparisons.add(comparison(ours, mine, theirs, other, reasons));
                }
            }
        }
        return comparisons;
    }

    private static Subject subject(String id) {
        return Subject.all().stream().filter(s -> s.id().equals(id)).findFirst().orElseThrow();
    }

    private static BenchReport.Comparison comparison(
            BenchReport.Row ours,
            Subject mine,
            BenchReport.Row theirs,
            Subject other,
            Reasons reasons) {
        int rounds = Math.min(ours.rounds().size(), theirs.rounds().size());
        var point = ours.point();
        var advantages = new ArrayList<Double>();
        for (int i = 0; i < rounds; i++) {
            double a = figure(point, ours.rounds().get(i));
            double b = figure(point, theirs.rounds().get(i));
            advantages.add(point.kind().timed() ? b / a : a / b);
        }
        var advantage = Summary.of(advantages);
        Double cpu =
                ours.cpuSecondsPerGigabyte() == null || theirs.cpuSecondsPerGigabyte() == null
                        ? null
                        : ours.cpuSecondsPerGigabyte() / theirs.cpuSecondsPerGigabyte();
        return new BenchReport.Comparison(
                point.key(),
                mine.id(),
                other.id(),
                other.role(),
                advantage,
                cpu,
                advantage.median() < 1 ? reasons.why(point, mine, other) : "");
    }
}
