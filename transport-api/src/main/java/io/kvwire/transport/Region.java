package io.kvwire.transport;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.CompletableFuture;

/**
 * Memory registered with a {@link TransferNode}: peers name it by id and generation, never by
 * address. The caller owns the memory and must keep it alive until {@link #deregister()} has
 * completed: closing an arena before that is the one mistake that no library can catch, since the
 * JVM does not see a transfer that the kernel or a NIC carries out.
 *
 * <p>Thread-safe.
 */
public interface Region {
    /** {@return the name of this region among those of its node, above 0} */
    int id();

    /** {@return the generation, drawn anew for each registration} */
    int generation();

    /** {@return the registered memory} */
    MemorySegment segment();

    /** {@return what peers may do} */
    Access access();

    /** {@return the size in bytes} */
    default long byteSize() {
        return segment().byteSize();
    }

    /**
     * Withdraws the region. New accesses are refused from now on, and transfers that use it fail
     * with {@link ErrorCode#STALE}.
     *
     * @return completes when no transfer touches the memory any more
     */
    CompletableFuture<Void> deregister();
}
