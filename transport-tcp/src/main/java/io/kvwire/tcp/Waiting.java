package io.kvwire.tcp;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;

/** Waits for connections to end before their event loops do. */
final class Waiting {
    private static final long MOST_SECONDS = 3;

    private Waiting() {}

    /** Waits, unless the calling thread is one of the loops: they end the connections. */
    static void forAll(NodeLoops loops, Stream<CompletableFuture<Void>> finished) {
        if (loops.isLoop()) {
            return;
        }
        try {
            CompletableFuture.allOf(finished.toArray(CompletableFuture[]::new))
                    .get(MOST_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException e) {
            // The loops end next, and with them every connection.
        }
    }
}
