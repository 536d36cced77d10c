package io.kvwire.harness.bench;

import java.util.List;

/**
 * Rounds of one figure.
 *
 * @param median of them
 * @param lowest of them
 * @param highest of them
 * @param wide whether they lie so far apart that the median says little
 */
record Summary(double median, double lowest, double highest, boolean wide) {
    /** From lowest to highest, more than this share of the median is wide. */
    static final double WIDE = 0.3;

    static Summary of(List<Double> rounds) {
        if (rounds.isEmpty()) {
            throw new IllegalArgumentException("no round to sum up");
        }
        var sorted = rounds.stream().sorted().toList();
        int n = sorted.size();
        double median = (sorted.get((n - 1) / 2) + sorted.get(n / 2)) / 2;
        double lowest = sorted.getFirst();
        double highest = sorted.getLast();
        return new Summary(median, lowest, highest, highest - lowest > WIDE * Math.abs(median));
    }
}
