package io.kvwire.rdma;

import java.util.ArrayDeque;
import java.util.Random;

/**
 * What a simulated queue pair has to report and has not reported yet: in order, unless its network
 * shuffles what is flushed. Used with the fabric's lock.
 */
final class SimReports {
    private final SimFabric fabric;
    private final SimCompletionQueue completions;
    private final int queuePair;
    private final ArrayDeque<SimCompletionQueue.Completion> late = new ArrayDeque<>();

    SimReports(SimFabric fabric, SimCompletionQueue completions, int queuePair) {
        this.fabric = fabric;
        this.completions = completions;
        this.queuePair = queuePair;
    }

    boolean isEmpty() {
        return late.isEmpty();
    }

    /** {@return whether something waits that may be reported now} */
    boolean mayReport() {
        return !late.isEmpty() && !fabric.holding();
    }

    /** A request is over. */
    void add(long id, int status) {
        late.add(new SimCompletionQueue.Completion(id, status, 0, queuePair, false, 0));
    }

    /** A message or an immediate has come. */
    void received(long id, int bytes, boolean immediate, int value) {
        late.add(
                new SimCompletionQueue.Completion(
                        id, Completions.SUCCESS, bytes, queuePair, immediate, value));
    }

    /** Reports the first, or any of those that were flushed. */
    void report(Random random) {
        if (!fabric.shuffles() || late.peek().status() != Completions.FLUSHED) {
            completions.add(late.poll());
            return;
        }
        var flushed = late.stream().filter(each -> each.status() == Completions.FLUSHED).toList();
        var any = flushed.get(random.nextInt(flushed.size()));
        late.remove(any);
        fabric.countShuffled();
        completions.add(any);
    }

    /** The queue pair is destroyed. */
    void end() {
        if (fabric.forgets()) {
            completions.forget(queuePair);
        } else {
            // Some devices report what was posted even when the queue pair is gone.
            late.forEach(completions::add);
        }
        late.clear();
    }
}
