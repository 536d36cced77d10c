package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Lease;
import io.kvwire.transport.TransferException;

import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/** The leases that this node has granted; each ends by release or when its time is up. */
final class Leases {
    private final LocalNode node;
    private final Map<Long, Held> byId = new ConcurrentHashMap<>();

    Leases(LocalNode node) {
        this.node = node;
    }

    Lease grant(PagedCache cache, long requestId, BlockTable table, long timeToLiveNanos) {
        cache.ledger().hold(table);
        var lease = new Held(node.randomId(), requestId, cache, table, timeToLiveNanos);
        byId.put(lease.id, lease);
        lease.watch();
        return lease;
    }

    /** Finds a lease that is valid now. */
    Held valid(long id) {
        var lease = byId.get(id);
        return lease != null && lease.valid() ? lease : null;
    }

    /**
     * Finds a lease that keeps the blocks of a READ.
     *
     * @param first position, in this table and in that of the lease, of the first that is wanted
     */
    Held covering(long id, PagedCache cache, BlockTable blocks, int first, int count) {
        var lease = require(id, cache);
        if (!lease.covers(cache, blocks, first, first, count)) {
            throw uncovered();
        }
        return lease;
    }

    /** Finds a lease that keeps blocks which follow each other in its table. */
    Held covering(long id, PagedCache cache, BlockTable blocks) {
        var lease = require(id, cache);
        if (!lease.covers(cache, blocks, 0, lease.position(blocks), blocks.size())) {
            throw uncovered();
        }
        return lease;
    }

    private Held require(long id, PagedCache cache) {
        var lease = valid(id);
        if (lease == null) {
            throw expired("the lease " + id + " on cache '" + cache.name() + "'");
        }
        return lease;
    }

    private TransferException expired(String lease) {
        return new TransferException(
                ErrorCode.LEASE_EXPIRED,
                lease + " at '" + node.name() + "' ran out or was released: run prefill again");
    }

    private static TransferException uncovered() {
        return new TransferException(
                ErrorCode.STALE, "the lease does not cover the blocks that are asked for");
    }

    boolean renew(long id, long timeToLiveNanos) {
        var lease = byId.get(id);
        return lease != null && lease.renew(timeToLiveNanos);
    }

    void release(long id) {
        var lease = byId.get(id);
        if (lease != null) {
            lease.close();
        }
    }

    void endAll(PagedCache cache) {
        byId.values().stream().filter(lease -> lease.cache == cache).forEach(Held::close);
    }

    void endAll() {
        byId.values().forEach(Held::close);
    }

    int count() {
        return byId.size();
    }

    /**
     * One lease. Its id is random and never used again: a late message of an old one finds nothing.
     */
    final class Held implements Lease {
        private final long id;
        private final long requestId;
        private final PagedCache cache;
        private final BlockTable table;
        private final long timeToLiveNanos;
        private final AtomicInteger epoch = new AtomicInteger();
        private volatile long expiresNanos;
        private boolean ended;
        private Future<?> timer;

        /** What ends when this does, by who uses it. */
        private final IdentityHashMap<Object, Runnable> lent = new IdentityHashMap<>();

        Held(long id, long requestId, PagedCache cache, BlockTable table, long timeToLiveNanos) {
            this.id = id;
            this.requestId = requestId;
            this.cache = cache;
            this.table = table;
            this.timeToLiveNanos = timeToLiveNanos;
            expiresNanos = System.nanoTime() + timeToLiveNanos;
        }

        private synchronized void watch() {
            if (!ended) {
                long left = Math.max(0, expiresNanos - System.nanoTime());
                timer = node.after(left, this::check);
            }
        }

        private void check() {
            if (expiresNanos - System.nanoTime() > 0) {
                watch();
            } else {
                close();
            }
        }

        /** Whether blocks are those that this lease keeps from a position of its table on. */
        private boolean covers(PagedCache other, BlockTable blocks, int first, int at, int count) {
            if (other != cache || at + count > table.size()) {
                return false;
            }
            for (int i = 0; i < count; i++) {
                if (!blocks.block(first + i).equals(table.block(at + i))) {
                    return false;
                }
            }
            return true;
        }

        /** Where the first of some blocks stands in the table; its size when it does not. */
        private int position(BlockTable blocks) {
            int at = 0;
            while (blocks.size() > 0
                    && at < table.size()
                    && !blocks.block(0).equals(table.block(at))) {
                at++;
            }
            return at;
        }

        /** Why whatever was read under this lease is over. */
        TransferException expired() {
            return Leases.this.expired("the lease of request " + requestId);
        }

        /**
         * Has something end with this lease, before its blocks are let go of.
         *
         * @return false when the lease has ended already
         */
        synchronized boolean lend(Object user, Runnable end) {
            if (ended) {
                return false;
            }
            lent.put(user, end);
            return true;
        }

        /** The user of {@link #lend} needs the blocks no more. */
        synchronized void takeBack(Object user) {
            lent.remove(user);
        }

        /** How long the lease was to last, and is prolonged by when data flows. */
        long timeToLiveNanos() {
            return timeToLiveNanos;
        }

        /** Data has flowed: the promise lasts at least its first length from now. */
        void touch() {
            renewTo(System.nanoTime() + timeToLiveNanos);
        }

        private synchronized boolean renewTo(long nanos) {
            if (!valid()) {
                return false;
            }
            if (nanos - expiresNanos > 0) {
                expiresNanos = nanos;
            }
            return true;
        }

        @Override
        public long id() {
            return id;
        }

        @Override
        public long requestId() {
            return requestId;
        }

        @Override
        public int epoch() {
            return epoch.get();
        }

        @Override
        public synchronized boolean valid() {
            return !ended && expiresNanos - System.nanoTime() > 0;
        }

        @Override
        public boolean renew(long nanos) {
            boolean renewed = renewTo(System.nanoTime() + nanos);
            if (renewed) {
                epoch.incrementAndGet();
            }
            return renewed;
        }

        @Override
        public void close() {
            List<Runnable> ends;
            synchronized (this) {
                if (ended) {
                    return;
                }
                ended = true;
                if (timer != null) {
                    timer.cancel(false);
                }
                ends = List.copyOf(lent.values());
            }
            byId.remove(id);
            ends.forEach(Runnable::run);
            cache.ledger().letGo(table);
        }
    }
}
