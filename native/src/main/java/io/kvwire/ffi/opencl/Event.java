package io.kvwire.ffi.opencl;

import static java.lang.foreign.ValueLayout.ADDRESS;

import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** How far a command is. Closing it leaves the command alone. Thread-safe. */
public final class Event implements AutoCloseable {

    private final String command;
    private final MemorySegment handle;

    Event(String command, MemorySegment handle) {
        this.command = command;
        this.handle = handle;
    }

    MemorySegment handle() {
        return handle;
    }

    /**
     * {@return whether the command is done}
     *
     * @throws TransferException when it failed
     */
    public boolean isDone() {
        int status =
                (int)
                        Calls.number(
                                Cl.GET_EVENT_INFO,
                                handle,
                                Constants.CL_EVENT_COMMAND_EXECUTION_STATUS);
        if (status < 0) {
            throw ErrorName.failure(command, status);
        }
        return status == Constants.CL_COMPLETE;
    }

    /**
     * Waits until the command is done.
     *
     * @throws TransferException when it failed
     */
    public void await() {
        try (var arena = Arena.ofConfined()) {
            var list = arena.allocateFrom(ADDRESS, handle);
            Calls.status(command, () -> (int) Cl.WAIT_FOR_EVENTS.invokeExact(1, list));
        }
    }

    /** {@return the nanoseconds that the device worked on the command, which is done} */
    public long nanos() {
        return time(Constants.CL_PROFILING_COMMAND_END)
                - time(Constants.CL_PROFILING_COMMAND_START);
    }

    private long time(int point) {
        return Calls.number(Cl.GET_EVENT_PROFILING_INFO, handle, point);
    }

    @Override
    public void close() {
        Calls.status("clReleaseEvent", () -> (int) Cl.RELEASE_EVENT.invokeExact(handle));
    }
}
