package io.kvwire.transport.spi;

/**
 * What the values of a cache mean: two ends that exchange blocks must agree on it, or the blocks
 * are garbage to the one that reads them.
 *
 * @param fingerprintHigh upper half of a digest of the model's weights, 0 when unknown
 * @param fingerprintLow lower half
 * @param ropeApplied whether the rotary position embedding is applied to K already
 */
public record KvModel(long fingerprintHigh, long fingerprintLow, boolean ropeApplied) {
    /** A model that nobody has named, with rotated keys, as most engines store them. */
    public static final KvModel UNKNOWN = new KvModel(0, 0, true);
}
