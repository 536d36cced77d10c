package io.kvwire.transport;

/**
 * Which codec a transfer goes in, and the figures that led to it.
 *
 * @param codec the name of the codec, {@code raw} for none
 * @param reason why this one, with the expected times where rates decided
 * @param rates that were known when the transfer began; zeros for what was not measured
 */
public record CodecDecision(String codec, String reason, Rates rates) {
    /**
     * What the choice between a codec and raw depends on, each rate in bytes before encoding, as
     * far as it was measured.
     *
     * @param linkBytesPerSecond what the wire carries, 0 when unknown
     * @param encodeBytesPerSecond of one thread here, 0 when unknown
     * @param decodeBytesPerSecond of one thread at the receiver, 0 when unknown
     * @param ratio bytes before by bytes after encoding, 0 when unknown
     * @param threads that encode, or decode, at the same time
     */
    public record Rates(
            double linkBytesPerSecond,
            double encodeBytesPerSecond,
            double decodeBytesPerSecond,
            double ratio,
            int threads) {
        /** Nothing was measured yet. */
        public static final Rates UNKNOWN = new Rates(0, 0, 0, 0, 1);

        /** {@return whether everything was measured} */
        public boolean known() {
            return linkBytesPerSecond > 0
                    && encodeBytesPerSecond > 0
                    && decodeBytesPerSecond > 0
                    && ratio > 0;
        }

        /**
         * {@return the time that a transfer takes as it is, in seconds}
         *
         * @param bytes of the transfer
         */
        public double rawSeconds(long bytes) {
            return bytes / linkBytesPerSecond;
        }

        /**
         * {@return the time that a transfer takes with the codec, in seconds}
         *
         * <p>The first frame goes through all three stages, each later one adds the time of the
         * slowest stage: for one frame this is the serial formula, for many it comes to the
         * throughput {@code min(E, D, r * B)}.
         *
         * @param bytes of the transfer, before encoding
         * @param frameBytes of one frame, before encoding
         */
        public double codecSeconds(long bytes, long frameBytes) {
            double first = Math.min(bytes, frameBytes);
            double wire = 1 / (ratio * linkBytesPerSecond);
            double serial = 1 / encodeBytesPerSecond + wire + 1 / decodeBytesPerSecond;
            double slowest =
                    Math.max(
                            wire,
                            1 / (threads * Math.min(encodeBytesPerSecond, decodeBytesPerSecond)));
            return first * serial + (bytes - first) * slowest;
        }
    }
}
