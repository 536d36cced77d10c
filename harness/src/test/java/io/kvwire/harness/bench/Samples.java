package io.kvwire.harness.bench;

import io.kvwire.harness.timeline.OverlapFigures;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/** Points and reports for tests. */
public final class Samples {
    private Samples() {}

    /** {@return a small request with two layers and four heads} */
    public static Point blocks(int sourceTokensPerBlock, int targetTokensPerBlock, int tokens) {
        return new Point(
                "test",
                "blocks " + sourceTokensPerBlock + " to " + targetTokensPerBlock,
                Point.Kind.BLOCKS,
                2,
                4,
                32,
                false,
                sourceTokensPerBlock,
                targetTokensPerBlock,
                tokens,
                3,
                true,
                2,
                2);
    }

    /** {@return a point of another kind} */
    public static Point of(Point.Kind kind) {
        return new Point("test", kind.name(), kind, 1, 1, 128, true, 16, 16, 64, 8, false, 1, 2);
    }

    /** {@return a point over so many processes} */
    public static Point fan(Point.Kind kind, int processes) {
        return new Point("test", "fan", kind, 1, 1, 128, true, 16, 16, 64, 4, true, 2, processes);
    }

    static Figures figures(double seconds) {
        return new Figures(1_000_000_000, 10, seconds, 100, 200, 0.5, 1L << 20, true, "", Map.of());
    }

    /** A report of one point: the limit, ours and a peer, with the seconds of their rounds. */
    static BenchReport report(List<Double> ours, List<Double> peer) {
        var point = blocks(16, 16, 64);
        var limit = subject("limit-tcp");
        var mine = subject("kvwire-tcp");
        var other = subject("nixl-tcp");
        var missing = subject("mooncake-tcp");
        var rows =
                List.of(
                        row(point, limit, List.of(1.0, 1.0)),
                        row(point, mine, ours),
                        row(point, other, peer));
        var comparison =
                new BenchReport.Comparison(
                        point.key(),
                        mine.id(),
                        other.id(),
                        other.role(),
                        Summary.of(List.of(peer.getFirst() / ours.getFirst())),
                        1.0,
                        "it is <slower>");
        return new BenchReport(
                BenchReport.SCHEMA,
                "2026-01-01T00:00Z",
                Map.of("cores", "2"),
                "kvwire bench",
                true,
                2,
                0.1,
                3,
                List.of(
                        taker(limit, "C", null),
                        taker(mine, "kvwire", null),
                        taker(other, "NIXL", null),
                        taker(missing, null, "not installed")),
                rows,
                List.of(comparison),
                null,
                List.of("test/one: 1 of 2 rounds"),
                List.of(),
                List.of(request()),
                null);
    }

    /** A whole request whose second layer is on the wire while nothing is computed any more. */
    private static DemoTimes request() {
        var none = new OverlapFigures.Stage(0, 0, 0);
        var units =
                List.of(
                        unit(0, stage(0, 10), none, stage(10, 15)),
                        unit(1, stage(10, 20), none, stage(20, 25)));
        var overlap = new OverlapFigures("run", 30, 25, 25, 0.5, 0.5, 1, 1, 1, units);
        return new DemoTimes(
                BigDecimal.ONE, "tcp", "raw", "layerwise", 25, 2, 5, 1, "", overlap, "");
    }

    private static OverlapFigures.Stage stage(double start, double end) {
        return new OverlapFigures.Stage(start, end, end - start);
    }

    private static OverlapFigures.Unit unit(
            int layer,
            OverlapFigures.Stage compute,
            OverlapFigures.Stage none,
            OverlapFigures.Stage wire) {
        return new OverlapFigures.Unit(layer, 0, 16, compute, none, wire, none);
    }

    private static Subject subject(String id) {
        return Subject.all().stream().filter(s -> s.id().equals(id)).findFirst().orElseThrow();
    }

    private static BenchReport.Taker taker(Subject s, String version, String missing) {
        return new BenchReport.Taker(s.id(), s.label(), s.link(), s.role(), version, missing);
    }

    private static BenchReport.Row row(Point point, Subject subject, List<Double> seconds) {
        return Rows.row(point, subject, seconds.stream().map(s -> Answer.of(figures(s))).toList());
    }
}
