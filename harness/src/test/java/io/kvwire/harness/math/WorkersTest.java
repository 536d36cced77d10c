package io.kvwire.harness.math;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;

/** Every task runs once, and all have ended when the caller goes on. */
class WorkersTest {

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 8})
    void everyTaskOfManySetsRunsExactlyOnce(int threads) {
        try (var workers = new Workers(threads)) {
            for (int set = 0; set < 5_000; set++) {
                int tasks = set % 23;
                // Plain memory: what the tasks wrote must be visible to the caller.
                var runs = new int[tasks];
                workers.forEach(tasks, (i, worker) -> runs[i]++);
                assertEquals(tasks, IntStream.of(runs).filter(n -> n == 1).count());
            }
        }
    }

    @Test
    void noTwoTasksShareAWorkerNumberAtOneTime() {
        try (var workers = new Workers(4)) {
            var busy = new AtomicIntegerArray(4);
            var clashes = new AtomicInteger();
            for (int set = 0; set < 500; set++) {
                workers.forEach(
                        40,
                        (i, worker) -> {
                            if (busy.incrementAndGet(worker) != 1) {
                                clashes.incrementAndGet();
                            }
                            busy.decrementAndGet(worker);
                        });
            }
            assertEquals(0, clashes.get());
        }
    }

    @Test
    void theFirstFailureReachesTheCallerAndTheGroupGoesOn() {
        try (var workers = new Workers(3)) {
            var failure = new IllegalArgumentException("task 7");
            var thrown =
                    assertThrows(
                            IllegalArgumentException.class,
                            () ->
                                    workers.forEach(
                                            50,
                                            (i, worker) -> {
                                                if (i == 7) {
                                                    throw failure;
                                                }
                                            }));
            assertSame(failure, thrown);
            var runs = new AtomicInteger();
            workers.forEach(50, (i, worker) -> runs.incrementAndGet());
            assertEquals(50, runs.get());
        }
    }

    @Test
    void closingEndsTheThreadsAndRefusesMoreWork() {
        var workers = new Workers(3);
        var helper = new AtomicBoolean();
        var names = new java.util.concurrent.ConcurrentSkipListSet<String>();
        Awaitility.await()
                .until(() -> {
                    workers.forEach(
                            64,
                            (i, worker) -> {
                                helper.compareAndSet(false, worker != 0);
                                names.add(Thread.currentThread().getName());
                            });
                    return helper.get();
                });
        assertTrue(names.stream().anyMatch(name -> name.startsWith("kvwire-llama-")));
        workers.close();
        workers.close();
        assertThrows(IllegalStateException.class, () -> workers.forEach(1, (i, worker) -> {}));
    }

    @Test
    void aGroupHasAtLeastOneWorker() {
        assertThrows(IllegalArgumentException.class, () -> new Workers(0));
    }
}
