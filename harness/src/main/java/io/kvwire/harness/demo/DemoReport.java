package io.kvwire.harness.demo;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

import io.kvwire.harness.split.TransferMode;
import io.kvwire.transport.CodecConfig;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * The rows of a demo, for people and for programs.
 *
 * @param steps one row for each step, in the order in which they ran
 * @param totalSeconds from the first step's start, its warm-up included, to the last one's end
 */
public record DemoReport(List<Row> steps, double totalSeconds) {
    private static final String LINE =
            "%-4s  %-7s  %-6s  %-4s  %-5s  %-9s  %-6s  %9s  %8s  %11s  %11s  %7s  %8s  %s%n";

    /** Copies the list. */
    public DemoReport {
        steps = List.copyOf(steps);
    }

    /** {@return whether every step ran, and every lossless one gave the tokens of step 0} */
    public boolean allTokensMatch() {
        return !steps.isEmpty() && steps.stream().allMatch(Row::asItMust);
    }

    /**
     * Prints a table.
     *
     * @param out for people
     */
    public void print(PrintWriter out) {
        out.printf(
                LINE,
                "step",
                "prefill",
                "decode",
                "path",
                "codec",
                "mode",
                "tokens",
                "TTFT ms",
                "TPOT ms",
                "handover ms",
                "transfer ms",
                "MB",
                "hidden %",
                "");
        for (var row : steps) {
            boolean moved = row.transferBytes() > 0;
            out.printf(
                    LINE,
                    row.step(),
                    row.prefillDevice(),
                    row.decodeDevice(),
                    row.path(),
                    row.codec(),
                    row.mode(),
                    tokens(row),
                    number("%.1f", row.ttftMillis(), row.rounds() > 0),
                    number("%.2f", row.tpotMillis(), row.rounds() > 0),
                    number("%.2f", row.handoverMillis(), moved),
                    number("%.2f", row.transferMillis(), moved),
                    number("%.2f", row.transferBytes() / 1e6, moved),
                    hidden(row),
                    row.note());
        }
        if (steps.stream().anyMatch(row -> row.hiddenBy().equals("tail"))) {
            out.println(
                    "~ the transfer is short against the spread of TTFT here, so this is the share"
                            + " of it that was over when computing ended");
        }
        steps.forEach(row -> explain(out, row));
        out.printf(Locale.ROOT, "%d rows in %.1f s%n", steps.size(), totalSeconds);
        for (var row : steps) {
            if (!row.error().isEmpty()) {
                out.println(
                        "FAILED: step "
                                + row.step()
                                + " "
                                + row.path()
                                + " "
                                + row.mode()
                                + ": "
                                + row.error());
            }
        }
        out.flush();
    }

    /** What cannot be seen in columns: what was chosen, and how near the ideal it came. */
    private static void explain(PrintWriter out, Row row) {
        var title = "step %s %s %s %s".formatted(row.step(), row.path(), row.codec(), row.mode());
        var choices = row.choices();
        if (row.codec().equals(CodecConfig.AUTO_NAME)) {
            out.printf("%s took codec %s: %s%n", title, choices.codec(), choices.codecReason());
        }
        if (row.mode().equals(TransferMode.AUTO.text())) {
            out.printf("%s went %s: %s%n", title, choices.mode(), choices.modeReason());
        }
        var overlap = row.overlap();
        if (row.hiddenBy().equals("ttft")) {
            out.printf(
                    Locale.ROOT,
                    "%s, %s: TTFT of %.1f ms, %.1f at best and %.1f in bulk; of the transfer %.0f"
                            + " %% could be hidden and %.0f %% were%n",
                    title,
                    row.note(),
                    overlap.observedMillis(),
                    overlap.idealMillis(),
                    overlap.bulkMillis(),
                    100 * overlap.hideableShare(),
                    100 * overlap.unseenShare());
        }
    }

    private static String tokens(Row row) {
        if (row.rounds() == 0) {
            return "FAILED";
        }
        if (row.tokensMatch()) {
            return "equal";
        }
        return row.lossless()
                ? "DIFFER"
                : String.format(Locale.ROOT, "%.0f %%", 100 * row.tokenAgreement());
    }

    private static String hidden(Row row) {
        var share = number("%.0f", 100 * row.hiddenShare(), row.transferBytes() > 0);
        return row.hiddenBy().equals("tail") ? "~" + share : share;
    }

    private static String number(String format, double value, boolean known) {
        return known ? String.format(Locale.ROOT, format, value) : "-";
    }

    /**
     * Writes JSON.
     *
     * @param file to create or replace
     * @throws IOException when it cannot be written
     */
    public void write(Path file) throws IOException {
        Files.write(
                file,
                JsonMapper.builder()
                        .enable(SerializationFeature.INDENT_OUTPUT)
                        .build()
                        .writeValueAsBytes(this));
    }
}
