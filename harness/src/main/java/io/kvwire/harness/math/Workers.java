package io.kvwire.harness.math;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A small fixed group of threads that runs a numbered set of tasks and waits for all of them, many
 * thousand times a second. The caller works too, so {@code threads} 1 starts no thread at all, and
 * a helper that gets no processor in time is not waited for: the caller does its share.
 *
 * <p>Tasks are handed out dynamically; which worker runs which one is not defined, so a task may
 * only write what no other task of the set reads or writes. Idle helpers spin for some {@value
 * #SPINS} rounds, then park.
 *
 * <p><b>Threading:</b> {@link #forEach} and {@link #close} belong to one thread at a time.
 *
 * <p><b>Errors:</b> the first throwable of a task is thrown from {@link #forEach} after every task
 * that was begun has ended; the others are skipped.
 */
public final class Workers implements AutoCloseable {
    private static final int SPINS = 2_000;

    private final List<Thread> helpers = new ArrayList<>();
    private final int threads;
    private volatile Round current = new Round((index, worker) -> {}, 0);
    private volatile boolean closed;

    /** One task of a set. */
    @FunctionalInterface
    public interface Task {
        /**
         * Runs the task.
         *
         * @param index which task, from 0
         * @param worker which worker runs it, from 0 to {@link Workers#threads()} - 1: an index for
         *     scratch memory
         */
        void run(int index, int worker);
    }

    /**
     * Starts the group.
     *
     * @param threads number of workers, the caller included, at least 1
     * @throws IllegalArgumentException if {@code threads} is below 1
     */
    public Workers(int threads) {
        if (threads < 1) {
            throw new IllegalArgumentException(threads + " threads: at least 1 is needed");
        }
        this.threads = threads;
        for (int worker = 1; worker < threads; worker++) {
            int number = worker;
            helpers.add(
                    Thread.ofPlatform()
                            .daemon()
                            .name("kvwire-llama-" + number)
                            .start(() -> help(number)));
        }
    }

    /** {@return the number of workers, the caller included} */
    public int threads() {
        return threads;
    }

    /**
     * Runs tasks 0 to {@code tasks - 1}, each once, and returns when all have ended.
     *
     * @param tasks how many
     * @param body what to run
     * @throws IllegalStateException if the group is closed
     */
    // Yielding hands the core to a helper that still works; correctness does not rest on it.
    @SuppressWarnings("ThreadPriorityCheck")
    public void forEach(int tasks, Task body) {
        Objects.requireNonNull(body, "body");
        if (closed) {
            throw new IllegalStateException("the worker threads are closed");
        }
        if (tasks <= 1 || threads == 1) {
            for (int i = 0; i < tasks; i++) {
                body.run(i, 0);
            }
            return;
        }
        var round = new Round(body, tasks);
        current = round;
        helpers.forEach(LockSupport::unpark);
        round.work(0);
        for (int spins = 0; round.unfinished.get() > 0; spins++) {
            if (spins < SPINS) {
                Thread.onSpinWait();
            } else {
                Thread.yield();
            }
        }
        round.rethrow();
    }

    /**
     * One set of tasks. A helper that comes late finds none left, even when the next set has begun,
     * because each set counts for itself.
     */
    private static final class Round {
        final Task task;
        final int count;
        final AtomicInteger next = new AtomicInteger();
        final AtomicInteger unfinished;
        final AtomicReference<Throwable> failure = new AtomicReference<>();

        Round(Task task, int count) {
            this.task = task;
            this.count = count;
            unfinished = new AtomicInteger(count);
        }

        void work(int worker) {
            for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
                try {
                    if (failure.get() == null) {
                        task.run(i, worker);
                    }
                } catch (Throwable t) {
                    failure.compareAndSet(null, t);
                } finally {
                    unfinished.decrementAndGet();
                }
            }
        }

        void rethrow() {
            switch (failure.get()) {
                case null -> {}
                case RuntimeException e -> throw e;
                case Error e -> throw e;
                case Throwable t -> throw new IllegalStateException(t);
            }
        }
    }

    private void help(int worker) {
        var seen = current;
        while (!closed) {
            var round = current;
            for (int spins = 0; round == seen && !closed; spins++) {
                if (spins < SPINS) {
                    Thread.onSpinWait();
                } else {
                    LockSupport.park(this);
                }
                round = current;
            }
            seen = round;
            round.work(worker);
        }
    }

    /** Ends the threads. Closing twice does nothing. */
    @Override
    public void close() {
        closed = true;
        helpers.forEach(LockSupport::unpark);
    }
}
