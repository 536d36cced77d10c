package io.kvwire.harness.split;

import io.kvwire.harness.timeline.Timeline;

import java.util.List;
import java.util.Objects;

/**
 * What one run gave, and where its time went. All times in nanoseconds on decode's clock unless
 * said otherwise.
 *
 * @param tokens the continuation
 * @param ttftNanos from decode asking to the first token known at decode with the cache in place,
 *     so that the next one can be computed
 * @param decodeNanos from then to the last token
 * @param computeNanos prefill's computing, on prefill's clock
 * @param transferNanos bulk: from handing over the blocks to their confirmation; layer by layer:
 *     the same from the first layer on, so that it spans computing; pull: the read; file: save and
 *     load
 * @param exposedNanos how long the cache was still on its way after decode knew that prefill had
 *     finished computing; all of the transfer unless it goes layer by layer
 * @param bytes of K and V moved
 * @param choices what prefill chose
 * @param timeline when each layer of each chunk was computed and moved
 */
public record SplitRun(
        List<Integer> tokens,
        long ttftNanos,
        long decodeNanos,
        long computeNanos,
        long transferNanos,
        long exposedNanos,
        long bytes,
        Choices choices,
        Timeline timeline) {

    /** Copies the list. */
    public SplitRun {
        tokens = List.copyOf(tokens);
        Objects.requireNonNull(choices, "choices");
        Objects.requireNonNull(timeline, "timeline");
    }

    /** {@return the time for each token after the first, in nanoseconds; 0 if there is none} */
    public long tpotNanos() {
        return tokens.size() < 2 ? 0 : decodeNanos / (tokens.size() - 1);
    }

    /**
     * {@return the share of the transfer that TTFT did not see: {@code 1 - exposed / transfer}, 0
     * to 1, and 0 when nothing was moved}
     */
    public double unseenShare() {
        return transferNanos <= 0
                ? 0
                : Math.clamp(1 - (double) exposedNanos / transferNanos, 0.0, 1.0);
    }
}
