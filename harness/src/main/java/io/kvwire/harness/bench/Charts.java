package io.kvwire.harness.bench;

import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.VectorGraphicsEncoder.VectorGraphicsFormat;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.internal.chartpart.Chart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

import java.awt.BasicStroke;
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

    /** Of a chart's height, what title and axis take; what a row of bars needs. */
    private static final int FRAME_PIXELS = 110;

    private static final int LEAST_BAND_PIXELS = 24;

    /** What takes no time to speak of is still seen. */
    private static final double LEAST_SHARE = 0.002;

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

    private static final Color GRID = new Color(0xE6E6E6);

    /** Of a line with more points, none is marked. */
    private static final int MOST_MARKED_POINTS = 100;

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
     * @param top of the y axis; 0 for as high as the figures are
     * @param series for each name, the two coordinates of its points
     */
    public static String lines(
            String title, String xTitle, String yTitle, double top, Map<String, Line> series) {
        XYChart chart =
                new XYChartBuilder()
                        .width(WIDTH)
                        .height(HEIGHT)
                        .title(title)
                        .xAxisTitle(xTitle)
                        .yAxisTitle(yTitle)
                        .build();
        style(chart.getStyler());
        chart.getStyler().setYAxisMin(0.0);
        if (top > 0) {
            chart.getStyler().setYAxisMax(top);
        }
        chart.getStyler().setMarkerSize(4);
        series.forEach((name, line) -> {
            var added = chart.addSeries(name, line.x(), line.y());
            if (line.x().size() > MOST_MARKED_POINTS) {
                added.setMarker(SeriesMarkers.NONE);
            }
        });
        return svg(chart);
    }

    /**
     * {@return what happened when: a band for each row, in it a bar for each series}
     *
     * @param title of the chart
     * @param xTitle what is along
     * @param yTitle what the rows are
     * @param series for each name, bars
     */
    public static String bands(
            String title, String xTitle, String yTitle, Map<String, List<Bar>> series) {
        var all = series.values().stream().flatMap(List::stream).toList();
        int rows = 1 + all.stream().mapToInt(Bar::row).max().orElse(0);
        double end = all.stream().mapToDouble(Bar::end).max().orElse(0);
        int height = Math.max(HEIGHT, FRAME_PIXELS + rows * LEAST_BAND_PIXELS);
        XYChart chart =
                new XYChartBuilder()
                        .width(WIDTH)
                        .height(height)
                        .title(title)
                        .xAxisTitle(xTitle)
                        .yAxisTitle(yTitle)
                        .build();
        style(chart.getStyler());
        chart.getStyler().setXAxisMin(0.0);
        chart.getStyler().setYAxisMin(0.0);
        chart.getStyler().setYAxisMax((double) rows);
        chart.getStyler().setYAxisDecimalPattern("0");
        float thick = (float) (height - FRAME_PIXELS) / rows / (series.size() + 1);
        int place = 0;
        for (var entry : series.entrySet()) {
            // From the top of each band down, as they come one after the other.
            double up = 1 - (place + 1.0) / (series.size() + 1);
            place++;
            if (!entry.getValue().isEmpty()) {
                addBars(chart, entry.getKey(), entry.getValue(), up, end * LEAST_SHARE, thick);
            }
        }
        return svg(chart);
    }

    private static void addBars(
            XYChart chart, String name, List<Bar> bars, double up, double least, float thick) {
        var x = new double[bars.size() * 3];
        var y = new double[bars.size() * 3];
        for (int i = 0; i < bars.size(); i++) {
            var bar = bars.get(i);
            x[i * 3] = bar.start();
            x[i * 3 + 1] = Math.max(bar.end(), bar.start() + least);
            x[i * 3 + 2] = x[i * 3 + 1];
            y[i * 3] = bar.row() + up;
            y[i * 3 + 1] = bar.row() + up;
            y[i * 3 + 2] = Double.NaN; // The line ends here.
        }
        var added = chart.addSeries(name, x, y);
        added.setMarker(SeriesMarkers.NONE);
        added.setLineStyle(new BasicStroke(thick, BasicStroke.CAP_BUTT, BasicStroke.JOIN_BEVEL));
    }

    /**
     * One thing that happened.
     *
     * @param row from 0
     * @param start of it
     * @param end of it
     */
    public record Bar(int row, double start, double end) {}

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
        if (styler instanceof AxesChartStyler axes) {
            // Dashes would be drawn one by one.
            axes.setPlotGridLinesStroke(new BasicStroke(1));
            axes.setPlotGridLinesColor(GRID);
        }
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
        return start < 0 ? "" : SvgText.compact(text.substring(start));
    }
}
