package io.kvwire.transport.core;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/**
 * The last trial of a codec, and who wants to know of it and of the next; they are told without a
 * lock, and the same one perhaps twice. Thread-safe.
 */
final class TrialNews {
    private final List<Consumer<CodecTrial>> hearers = new CopyOnWriteArrayList<>();
    private volatile CodecTrial last;

    /** A trial is over. */
    void tell(CodecTrial trial) {
        last = trial;
        hearers.forEach(hearer -> hearer.accept(trial));
    }

    /** Tells the last trial, if there was one, and each later one until {@link #forget}. */
    void hear(Consumer<CodecTrial> hearer) {
        hearers.add(hearer);
        var known = last;
        if (known != null) {
            hearer.accept(known);
        }
    }

    /** Tells somebody no more. */
    void forget(Consumer<CodecTrial> hearer) {
        hearers.remove(hearer);
    }
}
