package io.kvwire.harness.demo;

import io.kvwire.harness.split.SplitRun;
import io.kvwire.harness.timeline.Timeline;
import io.kvwire.harness.weights.ModelException;
import io.kvwire.transport.TransferException;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Runs steps side by side, and compares every round's tokens with those of step 0.
 *
 * <p>The steps of a group take turns, so that what else the machine does falls on all of them
 * alike. Short runs warm each step up; then the first full round is not counted in times either,
 * but its tokens are compared as those of all others are.
 */
final class Demo {
    private static final int WARM_UP_TOKENS = 64;
    private static final int WARM_UP_RUNS = 100;
    private static final long WARM_UP_NANOS = 1_000_000_000;
    private static final long LEAST_WARM_UP_NANOS = 100_000_000;

    /** Of a group's time, for warming up. */
    private static final double WARM_UP_SHARE = 0.4;

    private final List<Integer> prompt;
    private final int maxTokens;
    private final int rounds;
    private final long bytesPerSecond;
    private final Consumer<String> progress;
    private final Map<Step, Timeline> timelines = new LinkedHashMap<>();
    private List<Integer> expected = List.of();

    Demo(
            List<Integer> prompt,
            int maxTokens,
            int rounds,
            long bytesPerSecond,
            Consumer<String> progress) {
        this.prompt = List.copyOf(prompt);
        this.maxTokens = maxTokens;
        this.rounds = rounds;
        this.bytesPerSecond = bytesPerSecond;
        this.progress = progress;
    }

    /** What a step's rounds gave, or the error that ended them. */
    private static final class Outcome {
        private final List<SplitRun> all = new ArrayList<>();
        private Optional<String> error = Optional.empty();

        private List<SplitRun> counted() {
            return all.size() > 1 ? all.subList(1, all.size()) : all;
        }
    }

    /** {@return where the time of each step's typical round went, by step} */
    Map<Step, Timeline> timelines() {
        return timelines;
    }

    /** {@return the tokens of step 0} */
    List<Integer> expected() {
        return expected;
    }

    /**
     * Runs step 0.
     *
     * @param single runs it in this process
     * @return its row
     */
    Row single(Processes single) {
        var runs = new ArrayList<SplitRun>();
        for (int round = 0; round <= rounds; round++) {
            progress.accept("step 0, round " + round + " of " + rounds);
            runs.add(single.run(Step.SINGLE, prompt, maxTokens));
        }
        expected = runs.getFirst().tokens();
        var counted = runs.subList(1, runs.size());
        timelines.put(Step.SINGLE, Row.typical(counted).timeline());
        return Row.of(Step.SINGLE, Step.SINGLE.note(0), counted, expected, Row.Hidden.NOTHING);
    }

    /**
     * Runs a group of steps, taking turns.
     *
     * @param steps to run
     * @param processes run them
     * @param deadlineNanos after which no further round begins, as {@link System#nanoTime()}; each
     *     step is warmed up, for less and less time, and run once in any case
     * @return a row for each step
     */
    List<Row> group(List<Step> steps, Processes processes, long deadlineNanos) {
        var outcomes = new LinkedHashMap<Step, Outcome>();
        steps.forEach(step -> outcomes.put(step, new Outcome()));
        double share = WARM_UP_SHARE / steps.size();
        long each = (long) ((deadlineNanos - System.nanoTime()) * share);
        long warmUpNanos = Math.clamp(each, LEAST_WARM_UP_NANOS, WARM_UP_NANOS);
        outcomes.forEach((step, outcome) -> warmUp(step, outcome, processes, warmUpNanos));
        for (int round = 0; round <= rounds; round++) {
            if (round > 0 && System.nanoTime() - deadlineNanos > 0) {
                break;
            }
            for (var entry : outcomes.entrySet()) {
                var step = entry.getKey();
                progress.accept(step.title(bytesPerSecond) + ", round " + round + " of " + rounds);
                runOnce(step, entry.getValue(), processes);
            }
        }
        return outcomes.entrySet().stream()
                .map(entry -> row(entry.getKey(), entry.getValue(), outcomes))
                .toList();
    }

    /** Many short runs, so that each path is measured compiled, the file as much as the wires. */
    private void warmUp(Step step, Outcome outcome, Processes processes, long nanos) {
        progress.accept("warming up " + step.seats() + " " + step.path() + " " + step.mode());
        var start = prompt.subList(0, Math.min(WARM_UP_TOKENS, prompt.size()));
        long end = System.nanoTime() + nanos;
        try {
            for (int run = 0; run < WARM_UP_RUNS && System.nanoTime() - end < 0; run++) {
                processes.run(step, start, 1);
            }
        } catch (TransferException | ModelException e) {
            outcome.error = Optional.of(e.getMessage());
        }
    }

    private void runOnce(Step step, Outcome outcome, Processes processes) {
        if (outcome.error.isPresent()) {
            return;
        }
        try {
            outcome.all.add(processes.run(step, prompt, maxTokens));
        } catch (TransferException | ModelException e) {
            outcome.error = Optional.of(e.getMessage());
        }
    }

    private Row row(Step step, Outcome outcome, Map<Step, Outcome> outcomes) {
        var note = step.note(bytesPerSecond);
        if (outcome.error.isPresent()) {
            return Row.failed(step, note, outcome.error.get());
        }
        timelines.put(step, Row.typical(outcome.counted()).timeline());
        var bulk =
                outcomes.keySet().stream()
                        .filter(other -> other.isBulkOf(step))
                        .findFirst()
                        .map(other -> outcomes.get(other).counted())
                        .orElse(List.of());
        var hidden =
                step.overlaps()
                        ? Row.hidden(outcome.counted(), bulk)
                        : Row.shown(outcome.counted());
        var row = Row.of(step, note, outcome.counted(), expected, hidden);
        boolean warmUpDiffers = !outcome.all.getFirst().tokens().equals(expected);
        return warmUpDiffers ? row.differing() : row;
    }
}
