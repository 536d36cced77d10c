package io.kvwire.transport.core;

import io.kvwire.transport.CodecConfig;
import io.kvwire.transport.CodecDecision;

import java.util.Arrays;

/**
 * Chooses between a codec and raw by the formula of {@link CodecDecision.Rates}, and, once there
 * are transfers of about that size, by what they took: the formula does not know what else the
 * cores do that encode. A way that the formula does not rule out is tried, too, before it is given
 * up, and again now and then, as the formula's link may be as wrong as its first probe.
 * Thread-safe.
 */
final class CodecExperience {
    /** The median of so many last transfers is what a way takes. */
    private static final int KEPT = 5;

    /**
     * Before the other way is tried, this one must be known; a single transfer may be an outlier.
     */
    private static final int KNOWN = 2;

    /** Tries of a way that takes about as long as the other, and of one that seems to be slower. */
    private static final int CLOSE_TRIES = 3;

    private static final int FAR_TRIES = 1;
    private static final double CLOSE = 1.5;

    /**
     * A try may have met a pause of the machine. As long as fewer than {@link #CLOSE_TRIES} are
     * known, there is one more after so many transfers, and the next after twice as many.
     */
    private static final int AGAIN = 16;

    /**
     * What is slower by more is not tried: a codec halves the bytes at most where it is default.
     */
    private static final double RULED_OUT = 2.2;

    /**
     * After so many transfers of a size what the way that was not taken took is no longer known;
     * each time that it is found to be the slower one again, after twice as many, up to the second.
     */
    private static final int STALE = 128;

    private static final int MOST_STALE = 8 * STALE;

    /** Whatever was seen on a link that was so much faster or slower says nothing of this one. */
    private static final double OTHER_LINK = 3;

    private final BySize[] sizes = new BySize[Long.SIZE];
    private long begun;

    /** What was chosen last. */
    private CodecDecision last;

    CodecExperience() {
        Arrays.setAll(sizes, bits -> new BySize());
    }

    /**
     * Chooses for a transfer.
     *
     * @param frameBytes of one frame, before encoding
     * @param alone whether it can be told how long this transfer takes: it runs alone, and all of
     *     it is ready
     */
    synchronized CodecDecision choose(
            String codec, CodecDecision.Rates rates, long bytes, long frameBytes, boolean alone) {
        begun++;
        var size = size(bytes);
        size.chosen++;
        double link = rates.linkBytesPerSecond();
        size.raw.forgetIfOld(size.chosen, link);
        size.coded.forgetIfOld(size.chosen, link);
        double coded = size.coded.seconds(bytes, rates.codecSeconds(bytes, frameBytes));
        // The link carried what encoded frames were seen to take, so it is no slower than that.
        double bound = size.coded.samples > 0 ? rates.ratio() * coded : Double.MAX_VALUE;
        double raw = size.raw.seconds(bytes, Math.min(bound, rates.rawSeconds(bytes)));
        // What makes frames no shorter costs its time and saves none, whatever noise says.
        boolean shortens = rates.ratio() > 1;
        boolean encode = shortens && coded < raw;
        boolean trial =
                alone
                        && shortens
                        && size.tries(encode, Math.max(raw, coded) / Math.min(raw, coded));
        var reason =
                "%.3f ms with %s%s, %.3f ms raw%s%s"
                        .formatted(
                                coded * 1e3,
                                codec,
                                size.coded.describe(),
                                raw * 1e3,
                                size.raw.describe(),
                                trial ? ", tried all the same" : "");
        last = new CodecDecision(encode != trial ? codec : CodecConfig.RAW_NAME, reason, rates);
        return last;
    }

    /** Begins to watch a transfer; one beside which another was chosen for teaches nothing. */
    @SuppressWarnings("ReferenceEquality") // another's decision may say the same
    synchronized Watch watch(CodecDecision decision, long bytes) {
        boolean coded = !decision.codec().equals(CodecConfig.RAW_NAME);
        double link = decision.rates().linkBytesPerSecond();
        long number = decision == last ? begun : -1;
        return new Watch(this, coded, bytes, link, System.nanoTime(), number);
    }

    /** A transfer that runs alone. */
    record Watch(
            CodecExperience experience,
            boolean coded,
            long bytes,
            double linkBytesPerSecond,
            long sinceNanos,
            long number) {
        /** All of it is in place at the peer. */
        void done(long now) {
            experience.took(this, Math.max(1, now - sinceNanos));
        }
    }

    private synchronized void took(Watch watch, long nanos) {
        if (watch.number == begun && watch.bytes > 0) {
            var size = size(watch.bytes);
            size.way(watch.coded)
                    .took(nanos / (double) watch.bytes, size.chosen, watch.linkBytesPerSecond);
        }
    }

    private BySize size(long bytes) {
        return sizes[Long.SIZE - 1 - Long.numberOfLeadingZeros(Math.max(1, bytes))];
    }

    /** Transfers of one power of two. */
    private static final class BySize {
        final Way raw = new Way();
        final Way coded = new Way();
        long chosen;

        Way way(boolean encode) {
            return encode ? coded : raw;
        }

        /** Whether to go the way that seems to be slower, by this factor, to see. */
        boolean tries(boolean encode, double slower) {
            var other = way(!encode);
            int most = slower <= CLOSE ? CLOSE_TRIES : slower <= RULED_OUT ? FAR_TRIES : 0;
            boolean again =
                    other.tried > 0
                            && other.tried < CLOSE_TRIES
                            && chosen - other.lastChosen >= (long) AGAIN << (other.tried - 1);
            if (way(encode).samples < KNOWN || (other.tried >= most && !again)) {
                return false;
            }
            other.tried++;
            other.lastChosen = chosen;
            return true;
        }
    }

    /** What the last transfers of a size took that went one way. */
    private static final class Way {
        private final double[] nanosPerByte = new double[KEPT];
        private int samples;
        private int tried;
        private int stale = STALE;
        private long lastChosen;
        private double link;

        void took(double each, long chosen, double linkBytesPerSecond) {
            nanosPerByte[samples % KEPT] = each;
            samples++;
            if (samples > KEPT) {
                // More often than tries: this is the way that is taken.
                stale = STALE;
            }
            lastChosen = chosen;
            link = linkBytesPerSecond;
        }

        void forgetIfOld(long chosen, double linkBytesPerSecond) {
            boolean otherLink =
                    link > 0
                            && (linkBytesPerSecond > OTHER_LINK * link
                                    || link > OTHER_LINK * linkBytesPerSecond);
            boolean old = chosen - lastChosen > stale;
            if (otherLink || old) {
                if (otherLink) {
                    stale = STALE;
                } else if (samples > 0) {
                    stale = Math.min(2 * stale, MOST_STALE);
                }
                samples = 0;
                tried = 0;
                link = 0;
                lastChosen = chosen;
            }
        }

        /**
         * What so many bytes take; as expected while none were seen. Of an even number the lower
         * one of the two in the middle, as noise makes everything take longer.
         */
        double seconds(long bytes, double expected) {
            if (samples == 0) {
                return expected;
            }
            var known = Arrays.copyOf(nanosPerByte, Math.min(samples, KEPT));
            Arrays.sort(known);
            return known[(known.length - 1) / 2] * bytes / 1e9;
        }

        String describe() {
            return samples == 0 ? "" : " as seen";
        }
    }
}
