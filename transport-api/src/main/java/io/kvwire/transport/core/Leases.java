package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.Lease;

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

        /** Whether a request may be read under this lease. */
        boolean covers(PagedCache other, BlockTable blocks, int first, int count) {
            if (other != cache || first + count > table.size()) {
                return false;
            }
            for (int i = first; i < first + count; i++) {
                if (!blocks.block(i).equals(table.block(i))) {
                    return false;
                }
            }
            return true;
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
            synchronized (this) {
                if (ended) {
                    return;
                }
                ended = true;
                if (timer != null) {
                    timer.cancel(false);
                }
            }
            byId.remove(id);
            cache.ledger().letGo(table);
        }
    }
}
