package io.kvwire.transport;

import java.util.Objects;

/** The one exception of this library: a code for programs, and a message that says what to do. */
public final class TransferException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    /**
     * Makes an exception.
     *
     * @param code why
     * @param message what, where, and what to do
     */
    public TransferException(ErrorCode code, String message) {
        super(message);
        this.code = Objects.requireNonNull(code, "code");
    }

    /**
     * Makes an exception with a cause.
     *
     * @param code why
     * @param message what, where, and what to do
     * @param cause what came before
     */
    public TransferException(ErrorCode code, String message, Throwable cause) {
        super(message, cause);
        this.code = Objects.requireNonNull(code, "code");
    }

    /** {@return why it failed} */
    public ErrorCode code() {
        return code;
    }
}
