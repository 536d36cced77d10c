package io.kvwire.ffi.verbs;

import io.kvwire.ffi.Errno;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;

/**
 * A queue of completions.
 *
 * <p>The library takes a lock per call, so any thread may poll; but {@link #close} must not run
 * beside another call.
 */
public final class CompletionQueue implements AutoCloseable {

    private final Operations operations;
    private final MemorySegment address;
    private long open;

    CompletionQueue(Operations operations, MemorySegment address) {
        this.operations = operations;
        this.address = address;
        open = address.address();
    }

    /**
     * Takes completions out of the queue. Allocates nothing and does not wait.
     *
     * @param completions filled from its first entry on, up to its capacity
     * @return how many there were; 0 when there are none
     * @throws TransferException when the queue is broken or closed
     */
    public int poll(Completions completions) {
        if (open == 0) {
            throw closedAlready();
        }
        int count = operations.pollCq(open, completions.capacity(), completions.address());
        if (count < 0) {
            throw new TransferException(
                    ErrorCode.LANE_LOST,
                    "ibv_poll_cq returned " + count + ": the completion queue is broken");
        }
        completions.polled(count);
        return count;
    }

    /**
     * Asks for one notification on the channel when the next completion comes. Those that came
     * before notify nobody, so poll once more afterwards.
     *
     * @param solicitedOnly whether only completions whose sender asked for it, and failed ones, are
     *     to notify
     * @throws TransferException when the system refuses
     */
    public void requestNotification(boolean solicitedOnly) {
        if (open == 0) {
            throw closedAlready();
        }
        int status = operations.requestNotification(address, solicitedOnly ? 1 : 0);
        if (status != 0) {
            throw Errno.failure("ibv_req_notify_cq", Math.abs(status), "");
        }
    }

    MemorySegment address() {
        return address;
    }

    private static TransferException closedAlready() {
        return new TransferException(ErrorCode.CLOSED, "the completion queue is closed");
    }

    /**
     * Destroys the queue. A second call does nothing.
     *
     * @throws TransferException when a queue pair is still on it
     */
    @Override
    public void close() {
        if (open != 0) {
            Calls.status(
                    "ibv_destroy_cq",
                    "Close its queue pairs first",
                    () -> (int) Ibv.DESTROY_CQ.invokeExact(address));
            open = 0;
        }
    }
}
