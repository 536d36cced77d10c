package io.kvwire.tck.fault;

/** Where the receiver of a frame stops, see {@link NodeFaults#stall}. */
public enum StallPoint {
    /** The header was accepted and no byte of the payload has been read. */
    BEFORE_PAYLOAD,
    /** The first run of the target may be filled, the second not yet. */
    AFTER_FIRST_RUN,
    /** Every byte is in place and none is counted. */
    BEFORE_COMPLETION
}
