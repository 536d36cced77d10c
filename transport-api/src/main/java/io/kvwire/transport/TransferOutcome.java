package io.kvwire.transport;

import java.util.Objects;

/** The one terminal state of a transfer. */
public sealed interface TransferOutcome {
    /** Every byte is in place and visible at the target. */
    record Done() implements TransferOutcome {}

    /**
     * It failed. The receiver published nothing of it as a whole, unless the connection broke
     * between its last byte and the receiver's confirmation.
     *
     * @param code why
     * @param message what, where, and what to do
     * @param peer the name of the other end
     * @param blocks how many blocks (or ranges) it was to move
     */
    record Failed(ErrorCode code, String message, String peer, int blocks)
            implements TransferOutcome {
        /** Checks that code, message and peer are there. */
        public Failed {
            Objects.requireNonNull(code, "code");
            Objects.requireNonNull(message, "message");
            Objects.requireNonNull(peer, "peer");
        }
    }

    /** The initiator withdrew it. */
    record Cancelled() implements TransferOutcome {}

    /** {@return whether the transfer is {@link Done}} */
    default boolean done() {
        return this instanceof Done;
    }
}
