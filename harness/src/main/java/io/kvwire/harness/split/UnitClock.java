package io.kvwire.harness.split;

import io.kvwire.harness.model.LayerListener;

import java.util.ArrayList;
import java.util.List;

/** Notes when each layer of each chunk is ready. Confined to the thread that computes. */
final class UnitClock implements LayerListener {
    private final List<Long> nanos = new ArrayList<>();
    private final LayerListener next;
    private final long start = System.nanoTime();

    /** Starts the clock; passes each unit on to {@code next}. */
    UnitClock(LayerListener next) {
        this.next = next;
    }

    @Override
    public void written(int layer, int firstToken, int tokenCount) {
        nanos.add(System.nanoTime() - start);
        next.written(layer, firstToken, tokenCount);
    }

    /** When the first unit was ready, as {@link System#nanoTime()}. */
    long firstReady() {
        return start + (nanos.isEmpty() ? 0 : nanos.getFirst());
    }

    /** When it was started, as {@link System#nanoTime()}. */
    long start() {
        return start;
    }

    long elapsed() {
        return System.nanoTime() - start;
    }

    List<Long> nanos() {
        return nanos;
    }
}
