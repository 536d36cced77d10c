package io.kvwire.transport.core;

import io.kvwire.transport.CodecDecision;

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

    synchronized void begin(CodecTrial trial) {
        if (encode == 0) {
            encode = trial.encodeBytesPerSecond();
            ratio = trial.ratio();
        }
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

    private static double mixed(double before, double sample) {
        return before == 0 ? sample : WEIGHT * sample + (1 - WEIGHT) * before;
    }

    synchronized CodecDecision.Rates snapshot() {
        return new CodecDecision.Rates(link.bytesPerSecond(), encode, remoteDecode, ratio, threads);
    }
}
