package io.kvwire.harness.quality;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
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

    /**
     * {@return what is not as it must be, a line for each: a raw cache that changed anything, INT8
     * whose perplexity rose too far, a wire that delivered something else}
     *
     * @param maxPerplexityChange of INT8 with its defaults, 0.005 is 0.5 %
     */
    List<String> failures(double maxPerplexityChange) {
        var failures = new ArrayList<String>();
        for (var row : greedy) {
            if (CodecChoice.RAW.is(row.codec(), row.options()) && row.sameTokens() < row.tokens()) {
                failures.add(
                        "a raw cache continued %d of %d prompts with other tokens: it must be exact"
                                .formatted(row.prompts() - row.sameContinuations(), row.prompts()));
            }
        }
        for (var row : codecs) {
            if (CodecChoice.RAW.is(row.codec(), row.options()) && row.perplexityChange() != 0) {
                failures.add(
                        String.format(
                                Locale.ROOT,
                                "a raw cache changed perplexity by %+.2e: it must be exact",
                                row.perplexityChange()));
            }
            // Not a number is no perplexity that anybody wants.
            if (CodecChoice.INT8.is(row.codec(), row.options())
                    && !(row.perplexityChange() <= maxPerplexityChange)) {
                failures.add(
                        String.format(
                                Locale.ROOT,
                                "INT8 changed perplexity by %+.3f %%, more than %.3f %%"
                                        + " (--max-perplexity-change)",
                                100 * row.perplexityChange(),
                                100 * maxPerplexityChange));
            }
        }
        if (!wire.stream().allMatch(OnWire::sameBytes)) {
            failures.add("TCP delivered other bytes than the same frames in one process");
        }
        return failures;
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
