package io.kvwire.rdma;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** The registrations that one frame uses. Reused; confined to one thread. */
final class Holds {
    private final Registrations registrations;
    private Registrations.Use[] held = new Registrations.Use[2];
    private int count;

    Holds(Registrations registrations) {
        this.registrations = registrations;
    }

    /** {@return the registration of a segment, taken at the first call for it} */
    Registrations.Use of(MemorySegment segment, int access) {
        for (int i = count - 1; i >= 0; i--) {
            if (held[i].segment() == segment && (held[i].access() & access) == access) {
                return held[i];
            }
        }
        var use = registrations.acquire(segment, access);
        if (count == held.length) {
            held = Arrays.copyOf(held, 2 * count);
        }
        held[count++] = use;
        return use;
    }

    void release() {
        while (count > 0) {
            var use = held[--count];
            held[count] = null;
            registrations.release(use);
        }
    }
}
