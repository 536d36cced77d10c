package io.kvwire.transport;

import io.kvwire.transport.TransferOptions.Pace;

import java.util.Locale;

/**
 * How a stream hands its layers to the wire, and why.
 *
 * @param pace {@link Pace#LAYERWISE} or {@link Pace#BULK}
 * @param groupBytes of K and V that are gathered before they are handed over, 0 for each part as
 *     soon as it is ready; the last group is what is left
 * @param reason why this one, with the expected times where rates decided
 */
public record PaceDecision(Pace pace, long groupBytes, String reason) {
    /**
     * Below this an unmeasured link is handed everything at once: any link takes so little into its
     * buffers in one go, so nothing would be in flight while the rest is computed.
     */
    public static final long UNMEASURED_CUT_OFF_BYTES = 64 << 10;

    /** Refuses {@link Pace#AUTO}, which is a question, not an answer. */
    public PaceDecision {
        if (pace == Pace.AUTO) {
            throw new IllegalArgumentException("a decision is LAYERWISE or BULK, not AUTO");
        }
    }

    /**
     * {@return the decision for a stream: two halves that each cost less on the wire than a
     * hand-over are worse than the whole ({@link Overlap#layerwisePays}); otherwise parts go
     * together until they saturate the link ({@link Overlap#groupBytes})}
     *
     * @param asked what the options say
     * @param bytes of K and V, before encoding
     * @param bytesPerSecond what the wire carries of those, 0 when it was not measured
     * @param handOverNanos fixed cost of one hand-over, at both ends
     */
    public static PaceDecision of(
            Pace asked, long bytes, double bytesPerSecond, long handOverNanos) {
        return switch (asked) {
            case LAYERWISE -> new PaceDecision(Pace.LAYERWISE, 0, "asked for");
            case BULK -> new PaceDecision(Pace.BULK, bytes, "asked for");
            case AUTO ->
                    bytesPerSecond > 0
                            ? measured(bytes, bytesPerSecond, handOverNanos)
                            : unmeasured(bytes);
        };
    }

    private static PaceDecision unmeasured(long bytes) {
        return bytes < UNMEASURED_CUT_OFF_BYTES
                ? new PaceDecision(
                        Pace.BULK,
                        bytes,
                        "the link is not measured yet, and %d bytes are less than the cut-off of %d"
                                .formatted(bytes, UNMEASURED_CUT_OFF_BYTES))
                : new PaceDecision(Pace.LAYERWISE, 0, "the link is not measured yet");
    }

    private static PaceDecision measured(long bytes, double bytesPerSecond, long handOverNanos) {
        var figures =
                String.format(
                        Locale.ROOT,
                        "%.3f ms at %.1f MB/s, a hand-over costs %.3f ms",
                        bytes / bytesPerSecond * 1e3,
                        bytesPerSecond / 1e6,
                        handOverNanos / 1e6);
        return Overlap.layerwisePays(bytes / 2, bytesPerSecond, handOverNanos)
                ? new PaceDecision(
                        Pace.LAYERWISE, Overlap.groupBytes(bytesPerSecond, handOverNanos), figures)
                : new PaceDecision(Pace.BULK, bytes, figures);
    }
}
