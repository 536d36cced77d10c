package io.kvwire.transport;

import java.util.Arrays;

/**
 * How far a transfer can hide behind the compute whose results it carries: the recursion over units
 * of work (layers, or chunks of layers) that pass through compute, encode, wire and decode, each of
 * which handles one unit at a time, in order:
 *
 * <pre>
 * C_i = C_(i-1) + c_i                E_i = max(C_i, E_(i-1)) + e_i
 * X_i = max(E_i, X_(i-1)) + t_i      D_i = max(X_i, D_(i-1)) + d_i
 * </pre>
 *
 * <p>The ideal is the end of the last unit's decode; bulk is the sum of everything, one thing after
 * the other. All times are in one unit, nanoseconds say. Immutable.
 *
 * {@snippet :
 * var overlap = Overlap.of(compute, encode, wire, decode);
 * double hidden = overlap.hiddenShare(observedNanos);
 * }
 */
public final class Overlap {
    private final long[] computed;
    private final long[] encoded;
    private final long[] carried;
    private final long[] decoded;
    private final long computeNanos;
    private final long transferNanos;

    private Overlap(long[] compute, long[] encode, long[] wire, long[] decode) {
        int units = compute.length;
        computed = new long[units];
        encoded = new long[units];
        carried = new long[units];
        decoded = new long[units];
        long c = 0;
        long e = 0;
        long x = 0;
        long d = 0;
        for (int i = 0; i < units; i++) {
            c = Math.addExact(c, compute[i]);
            e = Math.addExact(Math.max(c, e), encode[i]);
            x = Math.addExact(Math.max(e, x), wire[i]);
            d = Math.addExact(Math.max(x, d), decode[i]);
            computed[i] = c;
            encoded[i] = e;
            carried[i] = x;
            decoded[i] = d;
        }
        computeNanos = c;
        transferNanos = Math.addExact(Math.addExact(sum(encode), sum(wire)), sum(decode));
    }

    /**
     * {@return the recursion over units}
     *
     * @param compute time of each unit
     * @param encode as many, zeros without a codec
     * @param wire as many
     * @param decode as many, zeros without a codec
     * @throws IllegalArgumentException when there is no unit, the counts differ or a time is
     *     negative
     */
    public static Overlap of(long[] compute, long[] encode, long[] wire, long[] decode) {
        if (compute.length == 0
                || encode.length != compute.length
                || wire.length != compute.length
                || decode.length != compute.length) {
            throw new IllegalArgumentException(
                    "times of %d, %d, %d and %d units: need as many of each, at least one"
                            .formatted(compute.length, encode.length, wire.length, decode.length));
        }
        for (long[] times : new long[][] {compute, encode, wire, decode}) {
            if (Arrays.stream(times).anyMatch(time -> time < 0)) {
                throw new IllegalArgumentException("a negative time in " + Arrays.toString(times));
            }
        }
        return new Overlap(compute, encode, wire, decode);
    }

    /**
     * {@return the recursion over units that are all alike}
     *
     * @param units how many
     * @param compute time of one
     * @param encode time of one
     * @param wire time of one
     * @param decode time of one
     */
    public static Overlap uniform(int units, long compute, long encode, long wire, long decode) {
        return of(
                each(units, compute), each(units, encode), each(units, wire), each(units, decode));
    }

    private static long[] each(int units, long time) {
        long[] times = new long[units];
        Arrays.fill(times, time);
        return times;
    }

    private static long sum(long[] times) {
        long sum = 0;
        for (long time : times) {
            sum = Math.addExact(sum, time);
        }
        return sum;
    }

    /** {@return when each unit is computed, from the start} */
    public long[] computed() {
        return computed.clone();
    }

    /** {@return when each unit is encoded} */
    public long[] encoded() {
        return encoded.clone();
    }

    /** {@return when each unit has come over the wire} */
    public long[] carried() {
        return carried.clone();
    }

    /** {@return when each unit is in place} */
    public long[] decoded() {
        return decoded.clone();
    }

    /** {@return when the last unit is in place, with all the overlap that the order allows} */
    public long ideal() {
        return decoded[decoded.length - 1];
    }

    /** {@return when the last unit is in place if nothing overlaps} */
    public long bulk() {
        return Math.addExact(computeNanos, transferNanos);
    }

    /** {@return the share of the transfer that the ideal hides, 0 where there is no transfer} */
    public double hideableShare() {
        return transferNanos == 0 ? 0 : (double) (bulk() - ideal()) / transferNanos;
    }

    /**
     * {@return the share of what can be hidden that was: 1 for the ideal, 0 for bulk, less than 0
     * for worse than bulk; 1 where nothing can be hidden}
     *
     * @param observed when the last unit was in place
     */
    public double hiddenShare(long observed) {
        long hideable = bulk() - ideal();
        return hideable == 0 ? 1 : (double) (bulk() - observed) / hideable;
    }

    /**
     * {@return the share of the transfer that the time to the last unit does not show}
     *
     * @param observed when the last unit was in place
     */
    public double unseenShare(long observed) {
        return transferNanos == 0 ? 1 : 1 - (double) (observed - computeNanos) / transferNanos;
    }

    /**
     * {@return the ideal time by the observed one: 1 when nothing more is to be had}
     *
     * @param observed when the last unit was in place
     */
    public double efficiency(long observed) {
        return observed == 0 ? 1 : (double) ideal() / observed;
    }

    /**
     * {@return whether a codec pays when frames are encoded, sent and decoded one after the other:
     * {@code B < (1 - 1/r) / (1/E + 1/D)}}
     *
     * @param link bytes per second that the wire carries (B)
     * @param encode bytes per second, before encoding (E)
     * @param decode bytes per second, after decoding (D)
     * @param ratio bytes before by bytes after encoding (r)
     */
    public static boolean codecPaysSerially(
            double link, double encode, double decode, double ratio) {
        return link < (1 - 1 / ratio) / (1 / encode + 1 / decode);
    }

    /**
     * {@return the bytes per second, before encoding, of the three stages side by side: {@code
     * min(E, D, r * B)}}
     *
     * @param link bytes per second that the wire carries (B)
     * @param encode bytes per second, before encoding (E)
     * @param decode bytes per second, after decoding (D)
     * @param ratio bytes before by bytes after encoding (r)
     */
    public static double pipelinedBytesPerSecond(
            double link, double encode, double decode, double ratio) {
        return Math.min(Math.min(encode, decode), ratio * link);
    }

    /**
     * {@return whether a codec pays when the stages work side by side: {@code min(E, D, r * B) >
     * B}}
     *
     * @param link bytes per second that the wire carries (B)
     * @param encode bytes per second, before encoding (E)
     * @param decode bytes per second, after decoding (D)
     * @param ratio bytes before by bytes after encoding (r)
     */
    public static boolean codecPaysPipelined(
            double link, double encode, double decode, double ratio) {
        return pipelinedBytesPerSecond(link, encode, decode, ratio) > link;
    }

    /**
     * {@return the link that hides the whole transfer but its last unit, in bytes per second: KV
     * bytes per token, times tokens per second, by the ratio}
     *
     * @param bytesPerToken of all layers, before encoding
     * @param tokensPerSecond that prefill computes
     * @param ratio bytes before by bytes after encoding, 1 without a codec
     */
    public static double linkForFullHiding(
            double bytesPerToken, double tokensPerSecond, double ratio) {
        return bytesPerToken * tokensPerSecond / ratio;
    }

    /**
     * {@return the bytes to gather before they are handed to the wire: as much as the link carries
     * in the time that one hand-over costs; below that the link is not saturated, so waiting for
     * more of them costs nothing}
     *
     * @param linkBytesPerSecond what the wire carries
     * @param handOverNanos fixed cost of one hand-over, at both ends
     */
    public static long groupBytes(double linkBytesPerSecond, long handOverNanos) {
        return (long) Math.ceil(linkBytesPerSecond * handOverNanos / 1e9);
    }

    /**
     * {@return whether sending layer by layer is of use: it hides at most {@code (L-1)/L} of the
     * wire's time and costs {@code L-1} more hand-overs, so the wire's time of one layer must
     * exceed the cost of one hand-over}
     *
     * @param layerBytes on the wire
     * @param linkBytesPerSecond what the wire carries
     * @param handOverNanos fixed cost of one hand-over, at both ends
     */
    public static boolean layerwisePays(
            long layerBytes, double linkBytesPerSecond, long handOverNanos) {
        return layerBytes > groupBytes(linkBytesPerSecond, handOverNanos);
    }

    @Override
    public String toString() {
        return "overlap of %d units: ideal %d, bulk %d".formatted(computed.length, ideal(), bulk());
    }
}
