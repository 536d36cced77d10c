package io.kvwire.harness.timeline;

/**
 * When something happened to a unit, and for how long it was the one that kept the stage busy.
 *
 * @param startNanos when it began, on the clock of the timeline
 * @param endNanos when it ended
 * @param busyNanos the part of it in which the stage worked for this unit: without the time that it
 *     waited behind others, so that the times of all units add up to those of the stage
 */
public record Span(long startNanos, long endNanos, long busyNanos) {
    /** Nothing happened, as with encoding where blocks go as they are. */
    public static final Span NONE = new Span(0, 0, 0);

    /**
     * {@return whether anything happened; it may have taken no time, where two clocks are compared}
     */
    public boolean some() {
        return !equals(NONE);
    }

    /** {@return from the earlier beginning to the later end, busy as long as both} */
    Span with(Span other) {
        if (!some()) {
            return other;
        }
        return new Span(
                Math.min(startNanos, other.startNanos),
                Math.max(endNanos, other.endNanos),
                busyNanos + other.busyNanos);
    }
}
