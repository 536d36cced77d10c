package io.kvwire.ffi.verbs;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;

/**
 * Receives that many queue pairs share.
 *
 * <p>The driver takes a lock per call, so any thread may post, each its own requests; but {@link
 * #close} must not run beside another call.
 */
public final class SharedReceiveQueue implements AutoCloseable {

    private final Operations operations;
    private final MemorySegment address;
    private long open;

    SharedReceiveQueue(Operations operations, MemorySegment address) {
        this.operations = operations;
        this.address = address;
        open = address.address();
    }

    /**
     * Posts receives. Allocates nothing and does not wait.
     *
     * @param requests all of them
     * @return 0 when all were taken, else the error number; {@link ReceiveRequests#accepted} says
     *     how many were
     */
    public int post(ReceiveRequests requests) {
        if (open == 0) {
            throw new TransferException(ErrorCode.CLOSED, "the shared receive queue is closed");
        }
        if (requests.count() == 0) {
            return 0;
        }
        return requests.posted(
                operations.postSharedReceive(open, requests.address(), requests.badAddress()));
    }

    MemorySegment address() {
        return address;
    }

    /**
     * Destroys the queue. A second call does nothing.
     *
     * @throws TransferException when a queue pair still uses it
     */
    @Override
    public void close() {
        if (open != 0) {
            Calls.status(
                    "ibv_destroy_srq",
                    "Close its queue pairs first",
                    () -> (int) Ibv.DESTROY_SRQ.invokeExact(address));
            open = 0;
        }
    }
}
