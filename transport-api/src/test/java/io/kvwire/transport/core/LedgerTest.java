package io.kvwire.transport.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.concurrent.atomic.LongAdder;

class LedgerTest {
    private static final long INCARNATION = 7;
    private static final int BLOCKS = 8;

    private final LongAdder pinned = new LongAdder();
    private final Ledger ledger = new Ledger("kv", INCARNATION, BLOCKS, 100, pinned);

    @Test
    void aRetiredBlockIsStaleAtOnceAndQuietWhenItsPinsAreGone() {
        var table = ledger.table(3);
        assertTrue(ledger.pin(3, 100));
        var retired = ledger.retire(table);
        assertFalse(retired.isDone());
        assertFalse(ledger.pin(3, 100), "a stale reference must not be pinned");
        assertFalse(retired.isDone(), "a refused pin must not end the wait");
        ledger.unpin(3);
        assertTrue(retired.isDone());
        assertTrue(ledger.pin(3, 101));
    }

    @Test
    void aLeasedBlockStaysCurrentUntilTheLeaseIsOver() {
        var table = ledger.table(1, 2);
        ledger.hold(table);
        var retired = ledger.retire(table);
        assertFalse(retired.isDone());
        assertTrue(ledger.pin(1, 100), "a leased block stays readable");
        ledger.letGo(table);
        assertFalse(ledger.pin(2, 100), "after the lease the block is stale");
        assertFalse(retired.isDone(), "a pin still holds block 1");
        ledger.unpin(1);
        assertTrue(retired.isDone());
    }

    @Test
    void aBlockThatIsBeingRetiredCannotBeLeasedAnew() {
        var table = ledger.table(1);
        ledger.hold(table);
        assertFalse(ledger.retire(table).isDone());
        assertEquals(
                ErrorCode.STALE,
                assertThrows(TransferException.class, () -> ledger.hold(table)).code());
    }

    @Test
    void allocateGivesAllOrNothingAndRetireGivesBack() {
        var table = ledger.allocate(6).orElseThrow();
        assertEquals(2, ledger.freeBlocks());
        assertTrue(ledger.allocate(3).isEmpty());
        assertEquals(2, ledger.freeBlocks());
        ledger.retire(table).join();
        assertEquals(BLOCKS, ledger.freeBlocks());
    }

    @Test
    void pinningATableThatIsStaleInPartPinsNothing() {
        var table = ledger.table(0, 1, 2);
        ledger.retire(ledger.table(2)).join();
        assertEquals(
                ErrorCode.STALE,
                assertThrows(TransferException.class, () -> ledger.pinAll(table, 0, 3)).code());
        assertEquals(0, pinned.sum());
    }

    @Test
    void aTableOfAnotherIncarnationIsStale() {
        var table = BlockTable.of(INCARNATION + 1, new int[] {0}, new int[] {100});
        assertEquals(
                ErrorCode.STALE,
                assertThrows(TransferException.class, () -> ledger.pinAll(table, 0, 1)).code());
    }

    /** Writers mark a block while they hold a pin; an owner that was told "quiet" must see none. */
    @Test
    void noPinIsHeldWhenARetirementIsComplete() throws Exception {
        var inside = new AtomicIntegerArray(BLOCKS);
        var stop = new AtomicBoolean();
        try (var threads = Executors.newFixedThreadPool(3)) {
            var writers = new ArrayList<Future<?>>();
            for (int w = 0; w < 2; w++) {
                writers.add(
                        threads.submit(() -> {
                            int id = 0;
                            while (!stop.get()) {
                                int generation = ledger.table(id).generation(0);
                                Thread.onSpinWait();
                                if (ledger.pin(id, generation)) {
                                    inside.incrementAndGet(id);
                                    Thread.onSpinWait();
                                    inside.decrementAndGet(id);
                                    ledger.unpin(id);
                                }
                                id = (id + 1) % BLOCKS;
                            }
                        }));
            }
            for (int round = 0; round < 20_000; round++) {
                int id = round % BLOCKS;
                var table = ledger.table(id);
                int before = table.generation(0);
                ledger.retire(table).join();
                // New pins of the next generation are allowed; none of the old one may remain.
                assertFalse(ledger.pin(id, before));
            }
            stop.set(true);
            for (var writer : writers) {
                writer.get();
            }
        }
        assertEquals(0, pinned.sum());
        for (int i = 0; i < BLOCKS; i++) {
            assertEquals(0, inside.get(i));
        }
    }
}
