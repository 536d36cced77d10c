package io.kvwire.harness.bench;

import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.Styler;

import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/**
 * Charts as SVG text that can stand inside a page. Needs no display, but fonts: see {@link
 * #unavailable}.
 */
public final class Charts {
    private static final int WIDTH = 960;
    private static final int HEIGHT = 380;

    /** Told apart also by those who see no red and green: Okabe and Ito's palette. */
    private static final Color[] COLOURS = {
        new Color(0x0072B2),
        new Color(0xE69F00),
        new Color(0x009E73),
        new Color(0xCC79A7),
        new Color(0x56B4E9),
        new Color(0xD55E00),
        new Color(0x999999),
        new Color(0x000000)
    };

    private Charts() {}

    /** {@return why no chart can be drawn here, or empty text} */
    public static String unavailable() {
        System.setProperty("java.awt.headless", "true");
        try {
            var one = Map.of("probe", List.of(1.0));
            return bars("probe", "", List.of("a"), one).isEmpty() ? "it drew nothing" : "";
        } catch (RuntimeException | LinkageError | InternalError e) {
            return "this JDK cannot draw text ("
                    + e
                    + "); install fonts (Debian: fontconfig fonts-dejavu-core)";
        }
    }

    /**
     * {@return bars side by side}
     *
     * @param title of the chart
     * @param unit of the figures
     * @param categories what the bars stand at, in order
     * @param series for each name, a figure for each category; NaN for none
     */
    public static String bars(
            String title, String unit, List<String> categories, Map<String, List<Double>> series) {
        CategoryChart chart =
                new CategoryChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .title(title)
                        .yAxisTitle(unit)
                        .build();
        style(chart.getStyler());
        chart.getStyler().setAvailableSpaceFill(0.85);
        chart.getStyler().setXAxisLabelRotation(categories.size() > 5 ? 20 : 0);
        chart.getStyler().setYAxisMin(0.0);
        series.forEach((name, values) ->
                chart.addSeries(
                        name,
                        categories,
                        values.stream().map(v -> Double.isNaN(v) ? null : v).toList()));
        return svg(chart);
    }

    /**
     * {@return lines over numbers}
     *
     * @param title of the chart
     * @param xTitle what is along
     * @param yTitle what is up
     * @param logarithmic whether the x axis is
     * @param series for each name, the two coordinates of its points
     */
    public static String lines(
            String title,
            String xTitle,
            String yTitle,
            boolean logarithmic,
            Map<String, Line> series) {
        XYChart chart =
                new XYChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .title(title)
                        .xAxisTitle(xTitle)
                        .yAxisTitle(yTitle)
                        .build();
        style(chart.getStyler());
        chart.getStyler().setXAxisLogarithmic(logarithmic);
        chart.getStyler().setYAxisMin(0.0);
        chart.getStyler().setMarkerSize(4);
        series.forEach((name, line) -> chart.addSeries(name, line.x(), line.y()));
        return svg(chart);
    }

    /**
     * The points of a line.
     *
     * @param x along
     * @param y up; as many
     */
    public record Line(List<Double> x, List<Double> y) {
        /** Checks the lengths. */
        public Line {
            x = List.copyOf(x);
            y = List.copyOf(y);
            if (x.size() != y.size() || x.isEmpty()) {
                throw new IllegalArgumentException(
                        "a line of " + x.size() + " by " + y.size() + " points");
            }
        }
    }

    private static void style(Styler styler) {
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setPlotBorderVisible(false);
        styler.setLegendPosition(Styler.LegendPosition.OutsideE);
        styler.setSeriesColors(COLOURS);
    }

    private static String svg(Chart<?, ?> chart) {
        var bytes = new ByteArrayOutputStream();
        try {
            VectorGraphicsEncoder.saveVectorGraphic(chart, bytes, VectorGraphicsFormat.SVG);
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        var text = bytes.toString(StandardCharsets.UTF_8);
        // A page's parser wants neither the declaration nor the document type.
        int start = text.indexOf("<svg");
        return start < 0 ? "" : text.substring(start);
    }
}
