package io.kvwire.harness.demo;

import com.fasterxml.jackson.annotation.JsonPropertyOrder;

import io.kvwire.harness.split.Choices;
import io.kvwire.harness.split.SplitRun;
import io.kvwire.harness.timeline.OverlapFigures;

import java.math.BigDecimal;
import java.util.Comparator;
import java.util.List;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * What one step of the demo showed: medians over its rounds. In JSON under the names of the
 * components.
 *
 * @param step 0, 0.5, 1, 1.5, 2 or 3
 * @param prefillDevice where the prompt was computed
 * @param decodeDevice where it was continued
 * @param path none, file or tcp
 * @param codec how blocks look on the wire
 * @param mode none, file, bulk, layerwise or pull
 * @param tokensMatch whether every round gave the tokens of step 0
 * @param tokenAgreement share of the tokens that are those of step 0, 0 to 1, over all rounds
 * @param lossless whether the tokens have to match
 * @param ttftMillis from asking to the first token with the cache in place
 * @param tpotMillis for each token after the first
 * @param transferMillis see {@link SplitRun#transferNanos()}; median of rounds and {@code
 *     handOvers}
 * @param transferBytes of K and V
 * @param handoverMillis TTFT without prefill's computing: all that moving the cache and the request
 *     added, median of the differences of rounds and {@code handOvers}
 * @param hiddenShare of the transfer, 0 to 1, see {@code hiddenBy}
 * @param hiddenBy how that was measured: {@code ttft} for {@link OverlapFigures#hiddenShare()}
 *     against bulk, where what can be hidden exceeds the spread of TTFT and a twentieth of it; else
 *     {@code tail} for {@link SplitRun#unseenShare()}; empty where nothing is hidden by design
 * @param choices what prefill chose in the last round
 * @param overlap of the round with the median TTFT
 * @param note what is special
 * @param rounds how many counted
 * @param handOvers how many times more the computed cache was handed over, and counted
 * @param error why it could not be run, or empty
 */
@JsonPropertyOrder({"step", "prefillDevice", "decodeDevice", "path", "codec", "mode"})
public record Row(
        BigDecimal step,
        String prefillDevice,
        String decodeDevice,
        String path,
        String codec,
        String mode,
        boolean tokensMatch,
        double tokenAgreement,
        boolean lossless,
        double ttftMillis,
        double tpotMillis,
        double transferMillis,
        long transferBytes,
        double handoverMillis,
        double hiddenShare,
        String hiddenBy,
        Choices choices,
        OverlapFigures overlap,
        String note,
        int rounds,
        int handOvers,
        String error) {

    /** A difference of two TTFTs that is a smaller share of them says nothing on most machines. */
    private static final double LEAST_HIDEABLE = 0.05;

    /** A hidden share, how it was measured, and the figures that it is one of. */
    record Hidden(double share, String by, OverlapFigures figures) {
        static final Hidden NOTHING = new Hidden(0, "", OverlapFigures.NONE);
    }

    /**
     * {@return the row of a step}
     *
     * @param runs the rounds
     * @param handOvers of the same cache afterwards
     */
    static Row of(
            Step step,
            String note,
            List<SplitRun> runs,
            List<SplitRun> handOvers,
            List<Integer> expected,
            Hidden hidden) {
        var moves = Stream.concat(runs.stream(), handOvers.stream()).toList();
        boolean match =
                !runs.isEmpty() && runs.stream().allMatch(run -> run.tokens().equals(expected));
        return new Row(
                new BigDecimal(step.number()),
                step.seats().prefill(),
                step.seats().decode(),
                step.path(),
                step.codec(),
                step.mode(),
                match,
                agreement(runs, expected),
                step.lossless(),
                millis(runs, Comparator.comparingLong(SplitRun::ttftNanos), SplitRun::ttftNanos),
                millis(runs, Comparator.comparingLong(SplitRun::tpotNanos), SplitRun::tpotNanos),
                millis(
                        moves,
                        Comparator.comparingLong(SplitRun::transferNanos),
                        SplitRun::transferNanos),
                runs.isEmpty() ? 0 : runs.getFirst().bytes(),
                millis(moves, Comparator.comparingLong(Row::handoverNanos), Row::handoverNanos),
                hidden.share(),
                hidden.by(),
                runs.isEmpty() ? Choices.NONE : runs.getLast().choices(),
                hidden.figures(),
                note,
                runs.size(),
                handOvers.size(),
                "");
    }

    private static double agreement(List<SplitRun> runs, List<Integer> expected) {
        long same = 0;
        for (var run : runs) {
            for (int i = 0; i < Math.min(expected.size(), run.tokens().size()); i++) {
                same += expected.get(i).equals(run.tokens().get(i)) ? 1 : 0;
            }
        }
        return runs.isEmpty() ? 0 : (double) same / ((long) runs.size() * expected.size());
    }

    /** {@return whether the step ran, and gave the tokens of step 0 if it has to} */
    boolean asItMust() {
        return tokensMatch || (!lossless && rounds > 0 && error.isEmpty());
    }

    /** {@return the row of a step that could not be run} */
    static Row failed(Step step, String note, String error) {
        return new Row(
                new BigDecimal(step.number()),
                step.seats().prefill(),
                step.seats().decode(),
                step.path(),
                step.codec(),
                step.mode(),
                false,
                0,
                step.lossless(),
                0,
                0,
                0,
                0,
                0,
                0,
                "",
                Choices.NONE,
                OverlapFigures.NONE,
                note,
                0,
                0,
                error);
    }

    /** {@return this row, with tokens that differ} */
    Row differing() {
        return new Row(
                step,
                prefillDevice,
                decodeDevice,
                path,
                codec,
                mode,
                false,
                tokenAgreement,
                lossless,
                ttftMillis,
                tpotMillis,
                transferMillis,
                transferBytes,
                handoverMillis,
                hiddenShare,
                hiddenBy,
                choices,
                overlap,
                note,
                rounds,
                handOvers,
                error);
    }

    /** {@return the figures of a step that hides nothing by design} */
    static Hidden shown(List<SplitRun> runs) {
        return new Hidden(0, "", OverlapFigures.of(typical(runs).timeline()));
    }

    /** {@return the hidden share of a step's runs, given those in bulk on the same link} */
    static Hidden hidden(List<SplitRun> runs, List<SplitRun> bulkRuns) {
        var observed = typical(runs);
        if (!bulkRuns.isEmpty() && observed.timeline().moved()) {
            var bulk = typical(bulkRuns);
            var figures = OverlapFigures.of(observed.timeline(), bulk.timeline());
            double hideable = (figures.bulkMillis() - figures.idealMillis()) * 1e6;
            double noise =
                    (double)
                            Math.max(
                                    spread(bulkRuns, bulk.ttftNanos()),
                                    spread(runs, observed.ttftNanos()));
            if (hideable > Math.max(noise, bulk.ttftNanos() * LEAST_HIDEABLE)) {
                return new Hidden(Math.clamp(figures.hiddenShare(), 0.0, 1.0), "ttft", figures);
            }
        }
        return new Hidden(observed.unseenShare(), "tail", OverlapFigures.of(observed.timeline()));
    }

    /** {@return the run with the median TTFT} */
    static SplitRun typical(List<SplitRun> runs) {
        return middle(runs, Comparator.comparingLong(SplitRun::ttftNanos));
    }

    private static long handoverNanos(SplitRun run) {
        return Math.max(0, run.ttftNanos() - run.computeNanos());
    }

    /** Twice the median distance from the median: one slow round does not hide the others. */
    private static long spread(List<SplitRun> runs, long median) {
        var distances = runs.stream().map(run -> Math.abs(run.ttftNanos() - median)).sorted();
        return 2 * distances.skip(runs.size() / 2).findFirst().orElseThrow();
    }

    private static double millis(
            List<SplitRun> runs, Comparator<SplitRun> by, ToLongFunction<SplitRun> figure) {
        return runs.isEmpty() ? 0 : figure.applyAsLong(middle(runs, by)) / 1e6;
    }

    private static SplitRun middle(List<SplitRun> runs, Comparator<SplitRun> by) {
        return runs.stream().sorted(by).skip((runs.size() - 1) / 2).findFirst().orElseThrow();
    }
}
