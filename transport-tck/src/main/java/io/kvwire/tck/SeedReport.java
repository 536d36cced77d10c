package io.kvwire.tck;

import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.LifecycleMethodExecutionExceptionHandler;
import org.junit.jupiter.api.extension.TestExecutionExceptionHandler;
import org.opentest4j.TestAbortedException;

/** Puts the seed of a test into the message of its failure. Thread-safe: it has no state. */
public final class SeedReport
        implements TestExecutionExceptionHandler, LifecycleMethodExecutionExceptionHandler {
    /** Made by JUnit. */
    public SeedReport() {}

    @Override
    public void handleTestExecutionException(ExtensionContext context, Throwable failure)
            throws Throwable {
        throw withSeed(context, failure);
    }

    @Override
    public void handleAfterEachMethodExecutionException(ExtensionContext context, Throwable failure)
            throws Throwable {
        throw withSeed(context, failure);
    }

    private static Throwable withSeed(ExtensionContext context, Throwable failure) {
        if (failure instanceof TestAbortedException
                || !(context.getRequiredTestInstance() instanceof WireContract contract)) {
            return failure;
        }
        return new AssertionError(
                failure.getMessage()
                        + "\n  seed "
                        + contract.seed
                        + "; replay with -D"
                        + WireContract.SEED
                        + "="
                        + contract.seed,
                failure);
    }
}
