package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Which use of each block of a cache is current, who touches it and who holds a lease on it.
 *
 * <p>Pinning is the data plane's part: one atomic operation, no lock. It is exact because a pin
 * takes the generation with it, and a retirement moves the generation before it reads the pins.
 * Everything else is under a lock.
 */
final class Ledger {
    /**
     * How many words are fetched before the first of them is changed: an atomic operation waits for
     * its word, and lets no other be fetched meanwhile.
     */
    private static final int FETCHED = 256;

    private final long incarnation;
    private final String cache;
    private final BlockStates states;
    private final LongAdder pinned;
    private final ReentrantLock lock = new ReentrantLock();
    private final int[] leased;
    private final BitSet allocated = new BitSet();
    private final Map<Integer, List<Retirement>> retirements = new HashMap<>();
    private final AtomicInteger retireCount = new AtomicInteger();
    private int free;

    /** The sum of words that were only fetched. */
    @SuppressWarnings("UnusedVariable") // written, so that the reads behind it happen
    private long fetched;

    /** One call of retire: completes when all its blocks have gone quiet. */
    private static final class Retirement {
        final CompletableFuture<Void> done = new CompletableFuture<>();
        int open;
    }

    Ledger(String cache, long incarnation, int blocks, int firstGeneration, LongAdder pinned) {
        this.cache = cache;
        this.incarnation = incarnation;
        this.pinned = pinned;
        states = new BlockStates(blocks, firstGeneration);
        leased = new int[blocks];
        free = blocks;
    }

    int blocks() {
        return states.blocks();
    }

    /** Rises with every retirement, so that a frame can see cheaply that nothing was taken back. */
    int retireCount() {
        return retireCount.get();
    }

    boolean current(int id, int generation) {
        return states.generation(id) == generation;
    }

    /** Pins a block for one frame or transfer; false when the reference is stale. */
    boolean pin(int id, int generation) {
        boolean current = takePin(id, generation);
        if (current) {
            pinned.increment();
        }
        return current;
    }

    private boolean takePin(int id, int generation) {
        if (states.pin(id) == generation) {
            return true;
        }
        dropPin(id);
        return false;
    }

    void unpin(int id) {
        pinned.decrement();
        dropPin(id);
    }

    private void dropPin(int id) {
        if (states.unpin(id)) {
            var quiet = new ArrayList<Retirement>();
            lock.lock();
            try {
                settle(id, quiet);
            } finally {
                lock.unlock();
            }
            quiet.forEach(retirement -> retirement.done.complete(null));
        }
    }

    /** Pins all blocks of a table from a position on, or none. */
    void pinAll(BlockTable table, int first, int count) {
        if (table.incarnation() != incarnation) {
            throw new TransferException(
                    ErrorCode.STALE,
                    "the block table of cache '"
                            + cache
                            + "' was made by another incarnation of this node: ask for a new one");
        }
        for (int i = 0; i < count; i++) {
            fetchNext(table, first, i, count);
            int id = table.id(first + i);
            int generation = table.generation(first + i);
            if (!inRange(id) || !takePin(id, generation)) {
                for (int taken = 0; taken < i; taken++) {
                    dropPin(table.id(first + taken));
                }
                throw refused(id, generation);
            }
        }
        pinned.add(count);
    }

    void unpinAll(BlockTable table, int first, int count) {
        pinned.add(-count);
        for (int i = 0; i < count; i++) {
            fetchNext(table, first, i, count);
            dropPin(table.id(first + i));
        }
    }

    /** Before the first of every {@value #FETCHED} blocks fetches the words of all of them. */
    private void fetchNext(BlockTable table, int first, int done, int count) {
        if (done % FETCHED != 0) {
            return;
        }
        long sum = 0;
        int end = first + Math.min(done + FETCHED, count);
        for (int i = first + done; i < end; i++) {
            sum += states.touch(table.id(i));
        }
        fetched = sum;
    }

    /** Pins all blocks of a frame, or none; it counts them once, not one by one. */
    void pinAll(int[] ids, int[] uses, int count) {
        fetch(ids, count);
        for (int i = 0; i < count; i++) {
            if (!inRange(ids[i]) || !takePin(ids[i], uses[i])) {
                for (int taken = 0; taken < i; taken++) {
                    dropPin(ids[taken]);
                }
                throw refused(ids[i], uses[i]);
            }
        }
        pinned.add(count);
    }

    void unpinAll(int[] ids, int count) {
        pinned.add(-count);
        fetch(ids, count);
        for (int i = 0; i < count; i++) {
            dropPin(ids[i]);
        }
    }

    private void fetch(int[] ids, int count) {
        long sum = 0;
        for (int i = 0; i < count; i++) {
            sum += states.touch(ids[i]);
        }
        fetched = sum;
    }

    private boolean inRange(int id) {
        return id >= 0 && id < blocks();
    }

    private TransferException refused(int id, int generation) {
        return inRange(id) ? stale(id, generation) : outOfRange(id);
    }

    TransferException stale(int id, int generation) {
        return new TransferException(
                ErrorCode.STALE,
                "block "
                        + id
                        + " of cache '"
                        + cache
                        + "' was taken back: generation "
                        + generation
                        + " has passed, "
                        + states.generation(id)
                        + " is current; ask its owner for a new block table");
    }

    TransferException outOfRange(int id) {
        return new TransferException(
                ErrorCode.OUT_OF_RANGE,
                "block " + id + " of cache '" + cache + "', which has " + blocks() + " blocks");
    }

    BlockTable table(int... ids) {
        int[] current = new int[ids.length];
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= blocks()) {
                throw outOfRange(ids[i]);
            }
            current[i] = states.generation(ids[i]);
        }
        return BlockTable.of(incarnation, ids, current);
    }

    Optional<BlockTable> allocate(int count) {
        lock.lock();
        try {
            if (count < 0 || count > free) {
                return Optional.empty();
            }
            int[] ids = new int[count];
            int id = -1;
            for (int i = 0; i < count; i++) {
                id = allocated.nextClearBit(id + 1);
                allocated.set(id);
                ids[i] = id;
            }
            free -= count;
            return Optional.of(table(ids));
        } finally {
            lock.unlock();
        }
    }

    int freeBlocks() {
        lock.lock();
        try {
            return free;
        } finally {
            lock.unlock();
        }
    }

    CompletableFuture<Void> retire(BlockTable table) {
        var retirement = new Retirement();
        var quiet = new ArrayList<Retirement>();
        lock.lock();
        try {
            retirement.open = 1;
            for (int i = 0; i < table.size(); i++) {
                int id = table.id(i);
                if (table.incarnation() != incarnation
                        || id >= blocks()
                        || states.generation(id) != table.generation(i)) {
                    continue;
                }
                retirement.open++;
                retirements.computeIfAbsent(id, key -> new ArrayList<>(1)).add(retirement);
                states.await(id, true);
                if (leased[id] == 0) {
                    states.endGeneration(id);
                }
                settle(id, quiet);
            }
            retireCount.incrementAndGet();
            close(retirement, quiet);
        } finally {
            lock.unlock();
        }
        quiet.forEach(each -> each.done.complete(null));
        return retirement.done;
    }

    /** Ends the retirements of a block that nothing touches or holds any more; under the lock. */
    private void settle(int id, List<Retirement> quiet) {
        var waiting = retirements.get(id);
        if (waiting == null || leased[id] != 0 || states.pinned(id)) {
            return;
        }
        retirements.remove(id);
        states.await(id, false);
        if (allocated.get(id)) {
            allocated.clear(id);
            free++;
        }
        waiting.forEach(retirement -> close(retirement, quiet));
    }

    private static void close(Retirement retirement, List<Retirement> quiet) {
        if (--retirement.open == 0) {
            quiet.add(retirement);
        }
    }

    /** Holds blocks for a lease; all or none. */
    void hold(BlockTable table) {
        lock.lock();
        try {
            for (int i = 0; i < table.size(); i++) {
                if (table.id(i) >= blocks()) {
                    throw outOfRange(table.id(i));
                }
                if (table.incarnation() != incarnation
                        || states.generation(table.id(i)) != table.generation(i)
                        || retirements.containsKey(table.id(i))) {
                    throw stale(table.id(i), table.generation(i));
                }
            }
            for (int i = 0; i < table.size(); i++) {
                leased[table.id(i)]++;
            }
        } finally {
            lock.unlock();
        }
    }

    /** Lets go of what {@link #hold} held; blocks retired meanwhile become stale now. */
    void letGo(BlockTable table) {
        var quiet = new ArrayList<Retirement>();
        lock.lock();
        try {
            for (int i = 0; i < table.size(); i++) {
                int id = table.id(i);
                if (--leased[id] == 0 && retirements.containsKey(id)) {
                    states.endGeneration(id);
                    settle(id, quiet);
                }
            }
            retireCount.incrementAndGet();
        } finally {
            lock.unlock();
        }
        quiet.forEach(retirement -> retirement.done.complete(null));
    }
}
