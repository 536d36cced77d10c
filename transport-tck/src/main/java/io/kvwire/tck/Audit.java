package io.kvwire.tck;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.kvwire.tck.fault.Taps;
import io.kvwire.transport.spi.Wires;

import java.util.List;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Watches what a wire does with what it was given: each frame back once and untouched from then on,
 * each arriving frame ended once, nothing after the end of a link. Sits next to the wire, below the
 * fault injector. Thread-safe.
 */
final class Audit {
    /** More of the same says nothing new. */
    private static final int MAX_PROBLEMS = 20;

    private final Queue<String> problems = new ConcurrentLinkedQueue<>();
    private final Set<Object> open = ConcurrentHashMap.newKeySet();

    Wires around(Wires wires) {
        return new Taps(handler -> new AuditedLink(this, handler), () -> new AuditedControl(this))
                .around(wires);
    }

    void require(boolean holds, String problem) {
        if (!holds && problems.size() < MAX_PROBLEMS) {
            problems.add(problem);
        }
    }

    /** Remembers a frame until {@link #ended}. */
    void began(Object frame) {
        open.add(frame);
    }

    void ended(Object frame) {
        open.remove(frame);
    }

    void assertInOrder() {
        assertEquals(List.of(), List.copyOf(problems), "what the wire did against its contract");
        Waits.until(() -> "the wire has given every frame back: " + open, open::isEmpty);
    }
}
