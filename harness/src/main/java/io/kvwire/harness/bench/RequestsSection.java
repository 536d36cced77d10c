package io.kvwire.harness.bench;

import static io.kvwire.harness.bench.MarkdownReport.number;

import io.kvwire.harness.timeline.OverlapFigures;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** What whole requests took, by path, mode and codec, and what happened when in them. */
final class RequestsSection {
    private final List<DemoTimes> times;
    private final HtmlPage page;
    private final boolean draws;

    RequestsSection(List<DemoTimes> times, HtmlPage page, boolean draws) {
        this.times = List.copyOf(times);
        this.page = page;
        this.draws = draws;
    }

    void add() {
        page.heading("Whole requests, by path, mode and codec");
        if (draws) {
            chart("Time to first token", DemoTimes::ttftMillis);
            chart("Time for each further token", DemoTimes::tpotMillis);
            chart("Handover: what of the transfer the user waits for", DemoTimes::handoverMillis);
        }
        table();
        if (draws) {
            timelines();
        }
    }

    private void chart(String title, Function<DemoTimes, Double> value) {
        var labels = new ArrayList<String>();
        var values = new ArrayList<Double>();
        for (var row : times) {
            labels.add(labels.size() + 1 + ". " + row.label());
            values.add(value.apply(row));
        }
        page.chart(Charts.bars(title, "ms", labels, Map.of("ms", values)));
    }

    private void table() {
        page.table(
                List.of("step", "how", "TTFT ms", "TPOT ms", "handover ms", "hidden"),
                times.stream()
                        .map(row ->
                                List.of(
                                        row.step().toString(),
                                        row.label(),
                                        number(row.ttftMillis()),
                                        number(row.tpotMillis()),
                                        number(row.handoverMillis()),
                                        Math.round(row.hiddenShare() * 100) + " %"))
                        .toList(),
                times.stream().map(row -> !row.error().isEmpty()).toList());
    }

    private void timelines() {
        var shown = times.stream().filter(row -> !row.overlap().units().isEmpty()).toList();
        if (!shown.isEmpty()) {
            page.heading("What happened when, layer by layer");
            page.paragraph(
                    "From the moment at which decode asked. In the band of a layer, from the top:"
                            + " computing, encoding, from being given to the wire to the last byte"
                            + " at the target, decoding.");
        }
        for (var row : shown) {
            Map<String, List<Charts.Bar>> stages = new LinkedHashMap<>();
            stages.put("compute", bars(row.overlap(), OverlapFigures.Unit::compute));
            stages.put("encode", bars(row.overlap(), OverlapFigures.Unit::encode));
            stages.put("wire", bars(row.overlap(), OverlapFigures.Unit::wire));
            stages.put("decode", bars(row.overlap(), OverlapFigures.Unit::decode));
            page.chart(Charts.bands(row.label(), "ms", "layer", stages));
        }
    }

    private static List<Charts.Bar> bars(
            OverlapFigures overlap, Function<OverlapFigures.Unit, OverlapFigures.Stage> stage) {
        return overlap.units().stream()
                .filter(unit -> stage.apply(unit).endMillis() > 0)
                .map(unit ->
                        new Charts.Bar(
                                unit.layer(),
                                stage.apply(unit).startMillis(),
                                stage.apply(unit).endMillis()))
                .toList();
    }
}
