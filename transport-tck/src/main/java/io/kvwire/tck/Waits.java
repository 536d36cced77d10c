package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.fail;

import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOutcome;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * Waits for what must happen, with one generous bound: no machine is so slow, and no test is timed.
 * The bound is below the deadline of {@link io.kvwire.transport.TransferOptions#DEFAULT}, so that
 * what hangs until its deadline is found.
 */
final class Waits {
    /** System property: how long to wait for what must happen, in seconds. */
    static final String PATIENCE = "kvwire.tck.patience";

    private static final int SECONDS = 20;
    private static final long POLL_NANOS = 500_000;

    private Waits() {}

    static Duration patience() {
        return Duration.ofSeconds(Integer.getInteger(PATIENCE, SECONDS));
    }

    static void until(String what, BooleanSupplier holds) {
        until(() -> what, holds);
    }

    /** Asks again and again; the text is made when patience is over. */
    static void until(Supplier<String> what, BooleanSupplier holds) {
        long started = System.nanoTime();
        while (!holds.getAsBoolean()) {
            if (System.nanoTime() - started > patience().toNanos()) {
                throw new AssertionError("not within " + patience() + ": " + what.get());
            }
            if (Thread.interrupted()) {
                throw new AssertionError("interrupted while waiting: " + what.get());
            }
            LockSupport.parkNanos(POLL_NANOS);
        }
    }

    /** Asks again and again until there is an answer; empty when there is none in this time. */
    static <T> Optional<T> within(Duration time, Supplier<Optional<T>> answer) {
        long started = System.nanoTime();
        var found = answer.get();
        while (found.isEmpty() && System.nanoTime() - started < time.toNanos()) {
            LockSupport.parkNanos(POLL_NANOS);
            found = answer.get();
        }
        return found;
    }

    /** Waits for a future; a failure of the future fails the test. */
    static <T> T get(String what, CompletableFuture<T> future) {
        try {
            return future.get(patience().toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw new AssertionError(what + " failed: " + e.getCause(), e.getCause());
        } catch (TimeoutException e) {
            throw new AssertionError(what + " did not happen within " + patience(), e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while waiting: " + what, e);
        }
    }

    /** Waits for a future to fail with the library's exception. */
    static TransferException failure(String what, CompletableFuture<?> future) {
        try {
            var value = future.get(patience().toMillis(), TimeUnit.MILLISECONDS);
            return fail(what + " should have failed and gave " + value);
        } catch (ExecutionException e) {
            return assertInstanceOf(TransferException.class, e.getCause(), what);
        } catch (TimeoutException e) {
            throw new AssertionError(what + " did not fail within " + patience(), e);
        } catch (InterruptedException e) {
            throw new AssertionError("interrupted while waiting: " + what, e);
        }
    }

    static void done(Transfer transfer) {
        transfer.join(patience());
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
