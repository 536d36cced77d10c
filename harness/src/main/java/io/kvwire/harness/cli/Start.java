package io.kvwire.harness.cli;

import io.kvwire.harness.ffi.StandardError;

/**
 * Where the launcher enters: restores standard error if the launcher kept it, then runs the
 * command.
 */
public final class Start {

    /** The system property with the number of the descriptor that is the real standard error. */
    static final String STDERR_PROPERTY = "kvwire.stderr";

    private Start() {}

    /**
     * Runs one command and exits with its status.
     *
     * @param args the command line's words
     */
    public static void main(String[] args) {
        var descriptor = Integer.getInteger(STDERR_PROPERTY);
        if (descriptor != null) {
            StandardError.restoreFrom(descriptor);
        }
        Main.main(args);
    }
}
