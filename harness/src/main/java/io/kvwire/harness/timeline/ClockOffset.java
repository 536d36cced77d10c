package io.kvwire.harness.timeline;

/**
 * How the clock of one process maps to that of another: the half of the shortest of some round
 * trips, as NTP does it. Processes on one Linux host share a clock; the offset is then about zero.
 *
 * @param nanos to add to a time of the other process
 * @param errorNanos the most by which that may be wrong: half of the round trip
 */
public record ClockOffset(long nanos, long errorNanos) {
    /** Nothing was asked yet. */
    public static final ClockOffset UNKNOWN = new ClockOffset(0, Long.MAX_VALUE);

    /**
     * {@return what one round trip says}
     *
     * @param asked when the question left, here
     * @param there what the other clock showed when it was answered
     * @param answered when the answer came, here
     */
    public static ClockOffset of(long asked, long there, long answered) {
        long half = (answered - asked) / 2;
        return new ClockOffset(asked + half - there, answered - asked - half);
    }

    /**
     * {@return the more exact of the two}
     *
     * @param other of another round trip
     */
    public ClockOffset orBetter(ClockOffset other) {
        return other.errorNanos < errorNanos ? other : this;
    }

    /**
     * {@return a time of the other process on this one's clock}
     *
     * @param there a time of the other process
     */
    public long here(long there) {
        return there + nanos;
    }
}
