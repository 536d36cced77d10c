package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;
import io.kvwire.ffi.FileDescriptor;
import io.kvwire.ffi.WakeUp;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Where a thread sleeps until one of the completion queues on the channel has something.
 *
 * <p>The order that loses no wake-up: {@linkplain CompletionQueue#requestNotification ask} every
 * queue to notify, poll each once more, and only then wait.
 *
 * <p>One thread may wait at a time. {@link #close} must come after the completion queues are
 * closed.
 */
public final class CompletionChannel implements AutoCloseable {

    private final MemorySegment address;
    private final int descriptor;
    private boolean closed;

    CompletionChannel(MemorySegment address) {
        this.address = address;
        descriptor = CStruct.at(address, IbvCompChannel.LAYOUT).get(JAVA_INT, IbvCompChannel.FD);
        FileDescriptor.makeNonBlocking(descriptor);
    }

    /** {@return the descriptor that is readable when there are notifications} */
    public int descriptor() {
        return descriptor;
    }

    /**
     * Waits for notifications and takes all that are there.
     *
     * @param timeoutMillis how long to wait at most; 0 not at all
     * @return how many notifications were taken; 0 when the time ran out or a signal came
     */
    public int await(int timeoutMillis) {
        return FileDescriptor.awaitReadable(descriptor, timeoutMillis) ? takeAll() : 0;
    }

    /**
     * Waits for notifications, or for somebody who calls, and takes all notifications that are
     * there.
     *
     * @param wakeUp ends the wait, too; cleared when this returns
     * @param timeoutMillis how long to wait at most; 0 not at all
     * @return how many notifications were taken
     */
    public int await(WakeUp wakeUp, int timeoutMillis) {
        if (!FileDescriptor.awaitReadable(descriptor, wakeUp.descriptor(), timeoutMillis)) {
            return 0;
        }
        wakeUp.clear();
        return takeAll();
    }

    private int takeAll() {
        int taken = 0;
        try (var arena = Arena.ofConfined()) {
            var queue = arena.allocate(ADDRESS);
            var unused = arena.allocate(ADDRESS);
            while (take(queue, unused)) {
                var notifier = queue.get(ADDRESS, 0);
                // A queue with notifications that are not acknowledged cannot be destroyed.
                Calls.run(() -> {
                    Ibv.ACK_CQ_EVENTS.invokeExact(notifier, 1);
                });
                taken++;
            }
        }
        return taken;
    }

    private boolean take(MemorySegment queue, MemorySegment unused) {
        return Calls.tryCount(
                        "ibv_get_cq_event",
                        e -> (int) Ibv.GET_CQ_EVENT.invokeExact(e, address, queue, unused))
                == 0;
    }

    MemorySegment address() {
        return address;
    }

    /**
     * Frees the channel. A second call does nothing.
     *
     * @throws io.kvwire.transport.TransferException when a completion queue is still on it
     */
    @Override
    public void close() {
        if (!closed) {
            Calls.status(
                    "ibv_destroy_comp_channel",
                    "Close its completion queues first",
                    () -> (int) Ibv.DESTROY_COMP_CHANNEL.invokeExact(address));
            closed = true;
        }
    }
}
