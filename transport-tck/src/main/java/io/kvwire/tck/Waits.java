package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.fail;

import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOutcome;

import org.awaitility.Awaitility;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Waits for what must happen, with one generous bound: no machine is so slow, and no test is timed.
 */
final class Waits {
    static final Duration PATIENCE = Duration.ofSeconds(20);

    private Waits() {}

    static void until(String what, BooleanSupplier holds) {
        Awaitility.await(what)
                .pollInSameThread()
                .pollDelay(Duration.ZERO)
                .pollInterval(Duration.ofMillis(1))
                .atMost(PATIENCE)
                .until(holds::getAsBoolean);
    }

    /** Waits for a future; a failure of the future fails the test. */
    static <T> T get(String what, CompletableFuture<T> future) {
        try {
            return future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new AssertionError(what + " failed: " + e.getCause(), e.getCause());
        } catch (TimeoutException e) {
            throw new AssertionError(what + " did not happen within " + PATIENCE, e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while waiting: " + what, e);
        }
    }

    /** Waits for a future to fail with the library's exception. */
    static TransferException failure(String what, CompletableFuture<?> future) {
        try {
            var value = future.get(PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
            return fail(what + " should have failed and gave " + value);
        } catch (ExecutionException e) {
            return assertInstanceOf(TransferException.class, e.getCause(), what);
        } catch (TimeoutException e) {
            throw new AssertionError(what + " did not fail within " + PATIENCE, e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while waiting: " + what, e);
        }
    }

    static void done(Transfer transfer) {
        transfer.join(PATIENCE);
    }

    static TransferOutcome outcome(Transfer transfer) {
        return get("the end of the transfer", transfer.completion());
    }

    static TransferOutcome.Failed failed(Transfer transfer) {
        return assertInstanceOf(TransferOutcome.Failed.class, outcome(transfer));
    }

    static void quiet(Transfer transfer) {
        get("quiescence", transfer.quiescence());
    }

    /**
     * The failure of an operation that is refused here at once, or by the other side as its
     * outcome.
     */
    static TransferException refusal(Supplier<Transfer> operation) {
        Transfer transfer;
        try {
            transfer = operation.get();
        } catch (TransferException e) {
            return e;
        }
        var failed = failed(transfer);
        return new TransferException(failed.code(), failed.message());
    }
}
