package io.kvwire.transport.core;

import io.kvwire.transport.CodecDecision;
import io.kvwire.transport.PaceDecision;

import java.util.ArrayList;
import java.util.Locale;
import java.util.Optional;

/**
 * The measured rates that {@code auto} decides by: a trial at the start of use, then the traffic
 * itself. Thread-safe.
 */
final class CodecRates {
    private static final double WEIGHT = 0.1;

    /** Too little to time. */
    private static final long SAMPLE_BYTES = 64 << 10;

    final LinkRate link = new LinkRate();
    private final int threads;
    private volatile boolean wanted;
    private volatile Optional<String> pace = Optional.empty();
    private double encode;
    private double remoteDecode;
    private double ratio;

    CodecRates(int threads, boolean wanted) {
        this.wanted = wanted;
        this.threads = Math.min(threads, Runtime.getRuntime().availableProcessors());
    }

    /** Whether the link's rate is measured: not where nobody asks for it. */
    boolean wanted() {
        return wanted;
    }

    /** Measures the link's rate from now on. */
    void want() {
        wanted = true;
    }

    /** Notes how the last stream went that asked for whatever is over sooner. */
    void paced(PaceDecision decision) {
        pace =
                Optional.of(
                        decision.pace().name().toLowerCase(Locale.ROOT) + ", " + decision.reason());
    }

    /** How the last such stream went, and why. */
    Optional<String> pace() {
        return pace;
    }

    /** Takes what a trial has found: all that is known at first, and news when there is another. */
    synchronized void tried(CodecTrial trial) {
        encode = trial.encodeBytesPerSecond();
        ratio = trial.ratio();
    }

    synchronized void encoded(long rawBytes, long wireBytes, long nanos) {
        if (rawBytes >= SAMPLE_BYTES && nanos > 0) {
            encode = mixed(encode, rawBytes * 1e9 / nanos);
            ratio = mixed(ratio, (double) rawBytes / wireBytes);
        }
    }

    synchronized void peerDecodes(double bytesPerSecond) {
        remoteDecode = bytesPerSecond;
    }

    /** Which of the rates is not measured yet, for people. */
    synchronized String missing() {
        var unknown = new ArrayList<String>();
        if (link.bytesPerSecond() == 0) {
            unknown.add("the link");
        }
        if (encode == 0) {
            unknown.add("the codec");
        }
        if (remoteDecode == 0) {
            unknown.add("the peer's codec");
        }
        return "not measured yet: " + String.join(", ", unknown);
    }

    private static double mixed(double before, double sample) {
        return before == 0 ? sample : WEIGHT * sample + (1 - WEIGHT) * before;
    }

    synchronized CodecDecision.Rates snapshot() {
        return new CodecDecision.Rates(link.bytesPerSecond(), encode, remoteDecode, ratio, threads);
    }
}
