package io.kvwire.harness.quality;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** Draws the error of attention logits for each codec, on a logarithmic scale, as SVG. */
final class QualityChart {
    private static final int LEFT = 290;
    private static final int WIDTH = 560;
    private static final int ROW = 22;
    private static final int LOWEST_EXPONENT = -4;
    private static final int DECADES = 6;

    private final StringBuilder svg = new StringBuilder();
    private int y = 30;

    private QualityChart() {}

    static void write(QualityReport report, Path file) throws IOException {
        var chart = new QualityChart();
        chart.bars("the model as it is", report.codecs(), "#4c78a8");
        chart.bars("with outlier channels in the keys", report.outlierKeys(), "#e45756");
        Files.writeString(file, chart.whole());
    }

    private void bars(String title, List<CodecQuality> rows, String colour) {
        text(10, "start", "RMS error of attention logits, " + title);
        y += ROW;
        for (var row : rows) {
            double exponent = Math.log10(row.logitRmsError()) - LOWEST_EXPONENT;
            double width = Math.clamp(exponent / DECADES, 0.0, 1.0) * WIDTH;
            text(LEFT - 8, "end", (row.codec() + " " + row.options()).strip());
            svg.append(
                    String.format(
                            Locale.ROOT,
                            "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"14\" fill=\"%s\"/>%n",
                            LEFT,
                            y - 11,
                            width,
                            colour));
            var error = String.format(Locale.ROOT, "%.2g", row.logitRmsError());
            text(LEFT + (int) width + 6, "start", row.logitRmsError() == 0 ? "exact" : error);
            y += ROW;
        }
        y += ROW;
    }

    private void text(int x, String anchor, String words) {
        svg.append(
                String.format(
                        Locale.ROOT,
                        "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>%n",
                        x,
                        y,
                        anchor,
                        words));
    }

    private String whole() {
        return String.format(
                Locale.ROOT,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\""
                        + " font-family=\"sans-serif\" font-size=\"12\">%n"
                        + "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>%n%s</svg>%n",
                LEFT + WIDTH + 80,
                y,
                svg);
    }
}
