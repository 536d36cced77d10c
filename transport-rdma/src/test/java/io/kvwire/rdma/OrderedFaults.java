package io.kvwire.rdma;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** What a test has ordered of {@link FaultyVerbs}, and how often it was done. Thread-safe. */
final class OrderedFaults {
    final Set<FaultyQueuePair> pairs = ConcurrentHashMap.newKeySet();

    /** The keys that windows are bound to, by those that were told. */
    final Map<Integer, Integer> trueKeys = new ConcurrentHashMap<>();

    volatile FaultyVerbs.Key key = FaultyVerbs.Key.RIGHT;
    volatile boolean withholding;
    volatile boolean stalling;
    private final AtomicInteger injected = new AtomicInteger();

    /** Counts a fault that is put in. */
    void inject() {
        injected.incrementAndGet();
    }

    int injected() {
        return injected.get();
    }
}
