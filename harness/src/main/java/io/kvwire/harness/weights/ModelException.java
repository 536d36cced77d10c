package io.kvwire.harness.weights;

/**
 * A model cannot be loaded or run as asked: a missing file, a broken header, a tensor of the wrong
 * shape, an unsupported feature. The message is one line that says what, where, and what to do, fit
 * to be shown to the user as it is.
 */
public final class ModelException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /**
     * Creates the exception.
     *
     * @param message one line for the user
     */
    public ModelException(String message) {
        super(message);
    }

    /**
     * Creates the exception.
     *
     * @param message one line for the user
     * @param cause what went wrong beneath
     */
    public ModelException(String message, Throwable cause) {
        super(message, cause);
    }
}
