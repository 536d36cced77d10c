package io.kvwire.transport.core;

import java.util.Locale;

/**
 * How fast a wire takes bytes, from the traffic itself: bytes by the time in which frames were at
 * the wire; before there was enough of it, from a {@link LinkProbe}. Short bursts disappear in
 * buffers on the way and say nothing, so they do not count. Thread-safe.
 */
final class LinkRate {
    /** Bytes without a pause that make a sample: many times what a socket buffers. */
    private static final long SAMPLE_BYTES = 4L << 20;

    /** Fewer do when the wire was busy for so long: a link that fast would have been through. */
    private static final long SLOW_NANOS = 20_000_000;

    private static final long SLOW_BYTES = 1L << 20;

    private static final double WEIGHT = 0.5;

    private int frames;
    private long sinceNanos;
    private long bytes;
    private double bytesPerSecond;
    private long probeBytes;
    private boolean fromTraffic;

    synchronized void given(long now) {
        if (frames++ == 0) {
            sinceNanos = now;
            bytes = 0;
        }
    }

    synchronized void released(long sent, long now) {
        bytes += sent;
        frames--;
        long busy = now - sinceNanos;
        boolean slow = bytes >= SLOW_BYTES && busy >= SLOW_NANOS;
        if (slow || (bytes >= SAMPLE_BYTES && busy > 0)) {
            double sample = bytes * 1e9 / busy;
            fromTraffic = true;
            bytesPerSecond =
                    bytesPerSecond == 0 ? sample : WEIGHT * sample + (1 - WEIGHT) * bytesPerSecond;
            bytes = 0;
            sinceNanos = now;
        }
    }

    /** Takes what a probe of so many bytes has found, unless traffic has told already. */
    synchronized void probed(double found, long sent) {
        probeBytes = sent;
        if (!fromTraffic) {
            bytesPerSecond = found;
        }
    }

    /** What is known and what it comes from, in a few words. */
    synchronized String describe() {
        if (bytesPerSecond == 0) {
            return "not measured yet";
        }
        return String.format(
                Locale.ROOT,
                "%.1f MB/s, %s",
                bytesPerSecond / 1e6,
                fromTraffic ? "from the traffic" : "from a probe of " + probeBytes + " bytes");
    }

    /** Bytes per second; 0 as long as there was too little traffic to tell. */
    synchronized double bytesPerSecond() {
        return bytesPerSecond;
    }
}
