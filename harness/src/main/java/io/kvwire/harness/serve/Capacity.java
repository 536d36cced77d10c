package io.kvwire.harness.serve;

import java.util.Locale;

/**
 * What the decoupled fleet can do, as measured while nothing else ran.
 *
 * @param prefillSeconds that a request keeps a prefiller busy, on average over prompt lengths
 * @param decodeSeconds that it keeps a decoder busy
 * @param prefillers how many
 * @param decoders how many
 */
record Capacity(double prefillSeconds, double decodeSeconds, int prefillers, int decoders) {
    /** {@return requests per second at which prefillers or decoders have no time left} */
    double requestsPerSecond() {
        double prefill = prefillSeconds == 0 ? Double.MAX_VALUE : prefillers / prefillSeconds;
        double decode = decodeSeconds == 0 ? Double.MAX_VALUE : decoders / decodeSeconds;
        return Math.min(prefill, decode);
    }

    /** {@return the figures in words} */
    String describe() {
        return String.format(
                Locale.ROOT,
                "a request keeps a prefiller busy for %.0f ms and a decoder for %.0f ms: load 1 is"
                        + " %.2g requests/s",
                prefillSeconds * 1e3,
                decodeSeconds * 1e3,
                requestsPerSecond());
    }
}
