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

    /**
     * The most times that what moves in one piece is handed over after the rounds; the first half
     * warms up.
     */
    private static final int HAND_OVERS = 40;

    /** How long that may take for each step that does. */
    private static final long HAND_OVER_NANOS = 400_000_000;

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
        private final List<SplitRun> handOvers = new ArrayList<>();
        private Optional<String> error = Optional.empty();

        private List<SplitRun> counted() {
            return all.size() > 1 ? all.subList(1, all.size()) : all;
        }

        private List<SplitRun> warmHandOvers() {
            return handOvers.subList(handOvers.size() / 2, handOvers.size());
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
        return Row.of(
                Step.SINGLE, Step.SINGLE.note(0), counted, List.of(), expected, Row.Hidden.NOTHING);
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
        handOver(outcomes, processes);
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

    /**
     * Hands over what moves in one piece a few times more, in turns: a hand-over takes milliseconds
     * beside the computing before it, so that a round or two would show what else the machine did.
     */
    private void handOver(Map<Step, Outcome> outcomes, Processes processes) {
        var moving =
                outcomes.entrySet().stream()
                        .filter(entry -> entry.getKey().moves() && !entry.getKey().overlaps())
                        .toList();
        long end = System.nanoTime() + moving.size() * HAND_OVER_NANOS;
        for (int turn = 0; turn < HAND_OVERS && System.nanoTime() - end < 0; turn++) {
            for (var entry : moving) {
                progress.accept(entry.getKey().title(bytesPerSecond) + ", handed over again");
                handOverOnce(entry.getKey(), entry.getValue(), processes);
            }
        }
    }

    private void handOverOnce(Step step, Outcome outcome, Processes processes) {
        if (outcome.error.isPresent()) {
            return;
        }
        try {
            outcome.handOvers.add(processes.handOver(step, prompt));
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
        var row = Row.of(step, note, outcome.counted(), outcome.warmHandOvers(), expected, hidden);
        boolean warmUpDiffers = !outcome.all.getFirst().tokens().equals(expected);
        return warmUpDiffers ? row.differing() : row;
    }
}
