package io.kvwire.harness.model;

/** Where the values of a block lie, seen from its keys. */
public enum KvPacking {
    /** The keys of all blocks, then the values of all blocks. */
    SPLIT,
    /** The keys of a block, then its values, then the next block. */
    FUSED
}
