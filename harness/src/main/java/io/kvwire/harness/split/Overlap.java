package io.kvwire.harness.split;

import java.util.List;

/**
 * How much of a transfer is hidden behind computing.
 *
 * <p>A prompt is computed in units of one layer of one chunk. Unit {@code i} is ready at {@code
 * C_i} and takes {@code t_i} on a link of its own; the link takes one after the other, so it is in
 * place at {@code X_i = max(C_i, X_(i-1)) + t_i}. With a raw codec there is nothing to encode or
 * decode. The least possible end is {@code max(X_last, end of computing)}; a bulk transfer ends at
 * {@code end of computing + sum of t}. What was observed lies between, and the hidden share is
 *
 * <pre>{@code (T_bulk - T_observed) / (T_bulk - T_ideal)}</pre>
 *
 * <p>1 where the transfer hides as well as it could, 0 where it hides no more than in bulk.
 */
public final class Overlap {
    private Overlap() {}

    /**
     * Computes when the last unit is in place at best.
     *
     * @param readyNanos {@code C_i}: when each unit was ready, in the order of computing
     * @param unitNanos {@code t_i}: how long each unit takes on the link, as many
     * @param computeNanos when computing ended
     * @return when everything is computed and in place, on the same clock
     */
    public static long idealNanos(List<Long> readyNanos, List<Long> unitNanos, long computeNanos) {
        if (readyNanos.size() != unitNanos.size()) {
            throw new IllegalArgumentException(
                    readyNanos.size() + " units ready, but times of " + unitNanos.size());
        }
        long inPlace = 0;
        for (int i = 0; i < readyNanos.size(); i++) {
            inPlace = Math.max(readyNanos.get(i), inPlace) + unitNanos.get(i);
        }
        return Math.max(inPlace, computeNanos);
    }

    /**
     * Computes the hidden share.
     *
     * @param bulkNanos {@code T_bulk}
     * @param observedNanos {@code T_observed}
     * @param idealNanos {@code T_ideal}, less than {@code T_bulk}
     * @return the share, cut to between 0 and 1
     */
    public static double hiddenShare(long bulkNanos, long observedNanos, long idealNanos) {
        if (idealNanos >= bulkNanos) {
            throw new IllegalArgumentException(
                    "an ideal of " + idealNanos + " ns leaves nothing to hide of " + bulkNanos);
        }
        double share = (double) (bulkNanos - observedNanos) / (bulkNanos - idealNanos);
        return Math.clamp(share, 0.0, 1.0);
    }
}
