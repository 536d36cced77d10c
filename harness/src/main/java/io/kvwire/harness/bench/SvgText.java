package io.kvwire.harness.bench;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.regex.Pattern;

/**
 * Makes the SVG of a chart a fraction as long, and look the same: the library that draws charts
 * writes every letter as an outline with twelve decimals, and every piece of a curve as an element
 * of its own.
 */
final class SvgText {
    private static final Pattern BETWEEN = Pattern.compile(">\\s+<");
    private static final Pattern DECIMAL = Pattern.compile("-?\\d+\\.\\d+(?:[eE]-?\\d+)?");
    private static final Pattern LINE =
            Pattern.compile(
                    "<line style=\"([^\"]*)\" x1=\"([^\"]*)\" x2=\"([^\"]*)\" y1=\"([^\"]*)\""
                            + " y2=\"([^\"]*)\"/>");

    private SvgText() {}

    /** {@return the same drawing, exact to a tenth of a pixel} */
    static String compact(String svg) {
        return joined(rounded(BETWEEN.matcher(svg).replaceAll("><")));
    }

    private static String rounded(String svg) {
        return DECIMAL.matcher(svg)
                .replaceAll(found -> {
                    var tenth = new BigDecimal(found.group()).setScale(1, RoundingMode.HALF_UP);
                    return tenth.signum() == 0 ? "0" : tenth.stripTrailingZeros().toPlainString();
                });
    }

    /** Lines that begin where the one before ends become one path. */
    private static String joined(String svg) {
        var out = new StringBuilder(svg.length());
        var found = LINE.matcher(svg);
        int copied = 0;
        var style = "";
        var end = "";
        while (found.find()) {
            var start = found.group(2) + " " + found.group(4);
            boolean goesOn =
                    found.start() == copied && found.group(1).equals(style) && start.equals(end);
            if (!goesOn) {
                if (!end.isEmpty()) {
                    close(out, style);
                }
                style = found.group(1);
                out.append(svg, copied, found.start()).append("<path d=\"M").append(start);
            }
            end = found.group(3) + " " + found.group(5);
            out.append('L').append(end);
            copied = found.end();
        }
        if (!end.isEmpty()) {
            close(out, style);
        }
        return out.append(svg, copied, svg.length()).toString();
    }

    /** Lines have no corners; a path would have spikes there. */
    private static void close(StringBuilder out, String style) {
        out.append("\" style=\"").append(style).append("stroke-linejoin:round\"/>");
    }
}
