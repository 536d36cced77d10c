package io.kvwire.transport;

/** Order of the axes inside one block of K or of V. D, the head dimension, is always innermost. */
public enum KvOrder {
    /** Token-major: {@code [tokens][heads][headDim]}. */
    NHD,
    /** Head-major: {@code [heads][tokens][headDim]}. */
    HND
}
