package io.kvwire.harness.serve;

import com.fasterxml.jackson.core.util.DefaultIndenter;
import com.fasterxml.jackson.core.util.DefaultPrettyPrinter;
import com.fasterxml.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What a run of {@code serve-sim} found. Times are milliseconds.
 *
 * @param schema version of this form
 * @param date when it began
 * @param model that served
 * @param prefillers processes that prefill when decoupled
 * @param decoders processes that decode then; coupled, all of them do both
 * @param path between them
 * @param threshold prompts of at most so many new tokens stay on one process
 * @param outputTokens of each request
 * @param runs a run for each rate and mode
 * @param findings in words, computed from the figures
 */
record ServeReport(
        int schema,
        String date,
        String model,
        int prefillers,
        int decoders,
        String path,
        int threshold,
        int outputTokens,
        List<Run> runs,
        List<String> findings) {
    static final int SCHEMA = 1;

    /**
     * @param mode coupled or decoupled
     * @param requestsPerSecond offered
     * @param requests sent
     * @param failed of them
     * @param reusedTokens of prompts, found in a cache
     * @param ttft time to first token
     * @param itl time between tokens
     * @param tokensPerSecond made
     * @param lengths what became of prompts of each length
     * @param samples how the workers were over time
     * @param gaps every time between tokens, with when it ended
     */
    record Run(
            String mode,
            double requestsPerSecond,
            int requests,
            int failed,
            int reusedTokens,
            Percentiles ttft,
            Percentiles itl,
            double tokensPerSecond,
            List<Length> lengths,
            List<Sample> samples,
            List<Gap> gaps) {
        /** {@return how erratic tokens come: the slowest percent over the usual} */
        double spread() {
            return itl.p50() == 0 ? 0 : itl.p99() / itl.p50();
        }
    }

    /**
     * @param promptTokens how long
     * @param requests of that length
     * @param split of them over two processes
     */
    record Length(int promptTokens, int requests, int split) {}

    /**
     * @param p50 median
     * @param p90 90th percentile
     * @param p99 99th percentile
     * @param max the largest
     */
    record Percentiles(double p50, double p90, double p99, double max) {
        static Percentiles of(List<Double> values) {
            if (values.isEmpty()) {
                return new Percentiles(0, 0, 0, 0);
            }
            var sorted = values.stream().sorted().toList();
            int last = sorted.size() - 1;
            return new Percentiles(
                    sorted.get(last / 2),
                    sorted.get((int) (last * 0.9)),
                    sorted.get((int) (last * 0.99)),
                    sorted.get(last));
        }
    }

    /**
     * @param seconds after the start of the run
     * @param queued at all workers
     * @param active sequences at all workers
     * @param kvUse the fullest worker's share of blocks in use
     * @param leases prefixes that are being read, at all workers
     */
    record Sample(double seconds, int queued, int active, double kvUse, int leases) {}

    /**
     * @param seconds after the start of the run
     * @param millis between two tokens of a request
     */
    record Gap(double seconds, double millis) {
        private static final double PARTS = 1e3;

        /** To a millisecond, and to a microsecond: more digits are no more knowledge. */
        static Gap of(double seconds, double millis) {
            return new Gap(Math.rint(seconds * PARTS) / PARTS, Math.rint(millis * PARTS) / PARTS);
        }
    }

    void write(Path file) throws IOException {
        // There are thousands of gaps: a line for each, not four.
        var lines =
                new DefaultPrettyPrinter()
                        .withObjectIndenter(DefaultPrettyPrinter.NopIndenter.instance)
                        .withArrayIndenter(DefaultIndenter.SYSTEM_LINEFEED_INSTANCE);
        JsonMapper.builder().build().writer(lines).writeValue(file.toFile(), this);
    }

    void print(PrintWriter out) {
        out.printf(
                "# serve-sim, %s: %s, %dP%dD over %s, %d tokens each%n%n",
                date, model, prefillers, decoders, path, outputTokens);
        out.println(
                "| mode | requests/s | sent | failed | split | TTFT p50 | p99 | ITL p50 | p90 | p99"
                        + " | max | p99/p50 | tokens/s |");
        out.println("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        for (var r : runs) {
            out.printf(
                    Locale.ROOT,
                    "| %s | %.2g | %d | %d | %d | %.1f | %.1f | %.2f | %.2f | %.2f | %.1f | %.1f |"
                            + " %.0f |%n",
                    r.mode(),
                    r.requestsPerSecond(),
                    r.requests(),
                    r.failed(),
                    r.lengths().stream().mapToInt(Length::split).sum(),
                    r.ttft().p50(),
                    r.ttft().p99(),
                    r.itl().p50(),
                    r.itl().p90(),
                    r.itl().p99(),
                    r.itl().max(),
                    r.spread(),
                    r.tokensPerSecond());
        }
        out.println();
        findings.forEach(line -> out.println("- " + line));
        out.flush();
    }

    /** The study's two statements, held against these runs. */
    static List<String> findings(List<Run> runs) {
        var byRate =
                runs.stream()
                        .collect(
                                Collectors.groupingBy(
                                        Run::requestsPerSecond,
                                        TreeMap::new,
                                        Collectors.toMap(Run::mode, r -> r)));
        var found = new ArrayList<String>();
        byRate.forEach((rate, modes) -> {
            if (modes.size() == 2) {
                found.add(steadiness(rate, modes));
            }
        });
        runs.stream()
                .filter(r -> r.mode().equals("decoupled"))
                .flatMap(r -> r.lengths().stream())
                .collect(
                        Collectors.groupingBy(
                                Length::promptTokens, TreeMap::new, Collectors.toList()))
                .forEach((tokens, lengths) -> {
                    int all = lengths.stream().mapToInt(Length::requests).sum();
                    int split = lengths.stream().mapToInt(Length::split).sum();
                    found.add(
                            "prompts of %d tokens: %d of %d split, the rest stayed on one process"
                                    .formatted(tokens, split, all));
                });
        return List.copyOf(found);
    }

    private static String steadiness(double rate, Map<String, Run> modes) {
        var coupled = modes.get("coupled");
        var decoupled = modes.get("decoupled");
        boolean steadier = decoupled.spread() < coupled.spread();
        return String.format(
                Locale.ROOT,
                "%.2g requests/s: slowest percent of inter-token times over the median is %.1f"
                    + " coupled and %.1f decoupled (p99 %.1f and %.1f ms): steadier when decoupled"
                    + " is %s",
                rate,
                coupled.spread(),
                decoupled.spread(),
                coupled.itl().p99(),
                decoupled.itl().p99(),
                steadier ? "reproduced" : "refuted");
    }
}
