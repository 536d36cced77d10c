package io.kvwire.pcie;

/**
 * Where a frame stands that the receiver fetches. The two ends agree by compare-and-set: a frame is
 * either withdrawn by its sender or fetched whole by its receiver, never both.
 */
enum FrameState {
    /** The sender has it back. */
    GONE(0),
    /** May be fetched. */
    ANNOUNCED(1),
    /** The receiver is about to read, or reads. */
    CLAIMED(2),
    /** The receiver is done with the source. */
    ENDED(3);

    private static final int BITS = 2;

    private final int code;

    FrameState(int code) {
        this.code = code;
    }

    /** {@return the word for a frame in this state} */
    long of(long frame) {
        return frame << BITS | code;
    }
}
