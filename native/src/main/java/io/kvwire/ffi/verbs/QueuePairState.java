package io.kvwire.ffi.verbs;

/** States of a queue pair, {@code enum ibv_qp_state} in its order. */
public enum QueuePairState {
    /** New or reset; holds nothing. */
    RESET,
    /** Receives may be posted. */
    INIT,
    /** Ready to receive. */
    RTR,
    /** Ready to send. */
    RTS,
    /** The send queue drains. */
    SQD,
    /** The send queue is in error. */
    SQE,
    /** In error: whatever is posted comes back flushed. */
    ERROR,
    /** Something newer than this list. */
    UNKNOWN
}
