package io.kvwire.harness.quality;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * What was measured, as tables for people and as JSON for programs.
 *
 * @param model what the model was loaded from
 * @param codecs each codec on the model as it is
 * @param outlierKeys codecs on a model that computes the same with a pair of outlier channels in
 *     its keys
 * @param greedy greedy continuations
 * @param wire whether a real wire delivers the same
 */
record QualityReport(
        String model,
        List<CodecQuality> codecs,
        List<CodecQuality> outlierKeys,
        List<Greedy> greedy,
        List<OnWire> wire) {

    void print(PrintWriter out) {
        table(out, "the model as it is", codecs);
        table(out, "the same model with a pair of outlier channels in its keys", outlierKeys);
        out.println("greedy continuations");
        for (var row : greedy) {
            out.printf(
                    Locale.ROOT,
                    "  %-34s %d of %d prompts, %d of %d tokens the same%n",
                    row.codec() + " " + row.options(),
                    row.sameContinuations(),
                    row.prompts(),
                    row.sameTokens(),
                    row.tokens());
        }
        out.println("over TCP on loopback, beside the same frames in one process");
        for (var row : wire) {
            out.printf(
                    "  %-34s %d tokens, %s%n",
                    row.codec() + " " + row.options(),
                    row.tokens(),
                    row.sameBytes() ? "every byte the same" : "DIFFERENT");
        }
        out.flush();
    }

    /** {@return whether the wire delivered what was measured} */
    boolean holdsOnTheWire() {
        return wire.stream().allMatch(OnWire::sameBytes);
    }

    private static void table(PrintWriter out, String title, List<CodecQuality> rows) {
        out.println(title);
        out.printf(
                "  %-34s %10s %9s %10s %8s %10s %10s %6s%n",
                "codec",
                "perplexity",
                "change",
                "KL, nats",
                "top-1",
                "q.k rms",
                "q.k max",
                "ratio");
        for (var row : rows) {
            out.printf(
                    Locale.ROOT,
                    "  %-34s %10.4f %+8.3f%% %10.2e %7.2f%% %10.2e %10.2e %6.3f%n",
                    row.codec() + " " + row.options(),
                    row.perplexity(),
                    100 * row.perplexityChange(),
                    row.klDivergence(),
                    100 * row.top1Agreement(),
                    row.logitRmsError(),
                    row.logitMaxError(),
                    row.ratio());
        }
        out.println();
    }

    void write(Path file) throws IOException {
        JsonMapper.builder()
                .enable(SerializationFeature.INDENT_OUTPUT)
                .build()
                .writeValue(file.toFile(), this);
    }
}
