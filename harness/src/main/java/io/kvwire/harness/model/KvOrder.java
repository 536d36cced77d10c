package io.kvwire.harness.model;

/** Whether tokens or heads come first within the keys (or values) of a block. */
public enum KvOrder {
    /** {@code [token][head][dim]}: token-major. */
    NHD,
    /** {@code [head][token][dim]}: head-major. */
    HND
}
