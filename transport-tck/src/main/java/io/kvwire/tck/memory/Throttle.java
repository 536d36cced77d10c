package io.kvwire.tck.memory;

import java.util.OptionalLong;

/** Shares a rate among all lanes of a node: each piece starts when the one before is paid for. */
final class Throttle {
    private final OptionalLong bytesPerSecond;
    private long freeNanos = System.nanoTime();

    Throttle(OptionalLong bytesPerSecond) {
        this.bytesPerSecond = bytesPerSecond;
    }

    /** Reserves time for bytes; returns how long to wait before they go. */
    synchronized long reserveNanos(int bytes) {
        if (bytesPerSecond.isEmpty()) {
            return 0;
        }
        long now = System.nanoTime();
        long start = freeNanos - now > 0 ? freeNanos : now;
        freeNanos = start + (long) (bytes * 1e9 / bytesPerSecond.getAsLong());
        return start - now;
    }
}
