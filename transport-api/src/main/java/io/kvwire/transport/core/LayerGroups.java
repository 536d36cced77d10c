package io.kvwire.transport.core;

import io.kvwire.transport.PaceDecision;
import io.kvwire.transport.TokenRange;

import java.util.ArrayList;
import java.util.List;

/**
 * Parts of a stream that are ready and wait until there are enough of them for one hand-over to the
 * wire. Chunks of one layer that adjoin make one part. Not thread-safe.
 */
final class LayerGroups {
    private final long tokenBytes;
    private final List<BlockSender.Ready> waiting = new ArrayList<>();
    private long waitingBytes;
    private long missing;

    /**
     * Starts without parts.
     *
     * @param tokenBytes of one token of one layer
     * @param tokens of all layers together that are still to come
     */
    LayerGroups(long tokenBytes, long tokens) {
        this.tokenBytes = tokenBytes;
        missing = tokens;
    }

    void add(BlockSender.Ready part) {
        missing -= part.tokens().count();
        waitingBytes += tokenBytes * part.tokens().count();
        if (waiting.isEmpty() || !adjoins(waiting.getLast(), part)) {
            waiting.add(part);
            return;
        }
        var last = waiting.removeLast();
        var joined =
                new TokenRange(
                        last.tokens().first(), last.tokens().count() + part.tokens().count());
        waiting.add(new BlockSender.Ready(part.layer(), joined, last.sinceNanos()));
    }

    private static boolean adjoins(BlockSender.Ready last, BlockSender.Ready next) {
        return last.layer() == next.layer() && last.tokens().end() == next.tokens().first();
    }

    /** Whether every part has been added. */
    boolean whole() {
        return missing == 0;
    }

    /** Whether what waits is worth a hand-over: enough of it, or all that there is. */
    boolean due(PaceDecision decision) {
        return whole() || (!waiting.isEmpty() && waitingBytes >= decision.groupBytes());
    }

    /** Takes what waits, in the order in which it came. */
    List<BlockSender.Ready> take() {
        var group = List.copyOf(waiting);
        waiting.clear();
        waitingBytes = 0;
        return group;
    }
}
