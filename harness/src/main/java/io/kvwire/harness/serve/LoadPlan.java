package io.kvwire.harness.serve;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;

import io.kvwire.transport.TransferException;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * Requests as users send them: exponential times between them (a Poisson process), lengths drawn
 * from a list, some prompts sent again. The same seed gives the same plan.
 *
 * @param arrivals in order of time
 */
record LoadPlan(List<Arrival> arrivals) {
    /** One in so many requests repeats an earlier prompt. */
    private static final int REPEATS = 5;

    LoadPlan {
        arrivals = List.copyOf(arrivals);
    }

    /**
     * @param seconds after the start
     * @param prompt token ids
     * @param maxTokens how many to make
     */
    record Arrival(double seconds, List<Integer> prompt, int maxTokens) {}

    static LoadPlan poisson(
            double rate,
            double seconds,
            List<Integer> lengths,
            int maxTokens,
            int vocabulary,
            long seed) {
        var random = new Random(seed);
        var arrivals = new ArrayList<Arrival>();
        double at = 0;
        while (true) {
            at += -Math.log(1 - random.nextDouble()) / rate;
            if (at >= seconds) {
                return new LoadPlan(arrivals);
            }
            boolean again = !arrivals.isEmpty() && random.nextInt(REPEATS) == 0;
            var prompt =
                    again
                            ? arrivals.get(random.nextInt(arrivals.size())).prompt()
                            : prompt(random, lengths, vocabulary);
            arrivals.add(new Arrival(at, prompt, maxTokens));
        }
    }

    /** One request, of a prompt that no other seed gives. */
    static LoadPlan single(int length, int maxTokens, int vocabulary, long seed) {
        var random = new Random(seed);
        return new LoadPlan(
                List.of(new Arrival(0, prompt(random, List.of(length), vocabulary), maxTokens)));
    }

    private static List<Integer> prompt(Random random, List<Integer> lengths, int vocabulary) {
        int length = lengths.get(random.nextInt(lengths.size()));
        var tokens = new ArrayList<Integer>();
        for (int i = 0; i < length; i++) {
            tokens.add(random.nextInt(vocabulary));
        }
        return List.copyOf(tokens);
    }

    /** A line of a trace: what public traces of serving systems record. */
    @JsonIgnoreProperties(ignoreUnknown = true)
    record TraceLine(
            double timestamp,
            @JsonProperty("input_length") int inputLength,
            @JsonProperty("output_length") int outputLength,
            @JsonProperty("hash_ids") List<Long> hashIds) {
        TraceLine {
            hashIds = hashIds == null ? List.of() : List.copyOf(hashIds);
        }
    }

    /**
     * How to replay a trace.
     *
     * @param speedUp how many times faster it goes
     * @param scale tokens here for each token there
     * @param vocabulary of the model
     * @param longest prompt and continuation together, in tokens; longer ones are cut
     */
    record Replay(double speedUp, double scale, int vocabulary, int longest) {
        /** Tokens that one hash of a trace stands for. */
        private static final int HASHED_TOKENS = 512;

        private Arrival arrival(TraceLine line, double start) {
            int output = Math.clamp(Math.round(line.outputLength() * scale), 1, longest / 2);
            int input = Math.clamp(Math.round(line.inputLength() * scale), 1, longest - output);
            int each = (int) Math.max(1, Math.round(HASHED_TOKENS * scale));
            var tokens = new ArrayList<Integer>();
            for (int i = 0; tokens.size() < input; i++) {
                // Equal hashes stand for equal tokens; what has none is like nothing else.
                boolean hashed = i < line.hashIds().size();
                var random = new Random(hashed ? line.hashIds().get(i) : line.hashCode() + i);
                for (int t = 0; t < each && tokens.size() < input; t++) {
                    tokens.add(random.nextInt(vocabulary));
                }
            }
            double at = (line.timestamp() - start) / 1e3 / speedUp;
            return new Arrival(at, List.copyOf(tokens), output);
        }
    }

    /**
     * Reads a trace: JSON lines with {@code timestamp} (milliseconds), {@code input_length}, {@code
     * output_length}, {@code hash_ids} (one for each 512 tokens of the prompt).
     */
    static LoadPlan trace(Path file, Replay replay) throws IOException {
        var lines = new ArrayList<TraceLine>();
        int number = 0;
        for (var text : Files.readAllLines(file)) {
            number++;
            if (!text.isBlank()) {
                try {
                    lines.add(ServeJson.parse(TraceLine.class, text));
                } catch (TransferException e) {
                    throw new IllegalArgumentException(
                            file + ", line " + number + ": no arrival: " + text, e);
                }
            }
        }
        if (lines.isEmpty()) {
            throw new IllegalArgumentException(file + " holds no arrival");
        }
        double start = lines.stream().mapToDouble(TraceLine::timestamp).min().orElse(0);
        return new LoadPlan(
                lines.stream()
                        .sorted(Comparator.comparingDouble(TraceLine::timestamp))
                        .map(line -> replay.arrival(line, start))
                        .toList());
    }

    /** {@return arrivals per second, over all of it} */
    double rate() {
        double last = arrivals.isEmpty() ? 0 : arrivals.getLast().seconds();
        return last == 0 ? arrivals.size() : arrivals.size() / last;
    }
}
