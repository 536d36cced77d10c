package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;

/**
 * A point in a stream. It counts as reached before it is first {@linkplain Stream#record recorded}.
 * Thread-safe; closing it while a stream waits for it is allowed.
 */
public final class Event implements AutoCloseable {
    private static final double NANOS_OF_MILLI = 1e6;

    private final Context context;
    private final long handle;

    Event(Context context, long handle) {
        this.context = context;
        this.handle = handle;
    }

    long handle() {
        return handle;
    }

    /**
     * {@return whether the stream has come past the point}
     *
     * @throws TransferException when work before it failed
     */
    public boolean isDone() {
        context.enter();
        int status = Calls.raw("cuEventQuery", () -> (int) Cu.EVENT_QUERY.invokeExact(handle));
        if (status == Result.CUDA_ERROR_NOT_READY.number()) {
            return false;
        }
        if (status != 0) {
            throw Result.failure("work before an event", status);
        }
        return true;
    }

    /**
     * Waits until the stream has come past the point.
     *
     * @throws TransferException when work before it failed
     */
    public void await() {
        context.enter();
        Calls.status("work before an event", () -> (int) Cu.EVENT_SYNCHRONIZE.invokeExact(handle));
    }

    /**
     * {@return the nanoseconds between two points that have been reached}
     *
     * @param start the first; both are of {@link Context#timedEvent}
     */
    public long nanosSince(Event start) {
        context.enter();
        try (var arena = Arena.ofConfined()) {
            var millis = arena.allocate(JAVA_FLOAT);
            Calls.status(
                    "cuEventElapsedTime",
                    () -> (int) Cu.EVENT_ELAPSED_TIME.invokeExact(millis, start.handle, handle));
            return (long) (millis.get(JAVA_FLOAT, 0) * NANOS_OF_MILLI);
        }
    }

    /**
     * {@return what another process opens this event with; it is of {@link Context#sharedEvent}}
     */
    public IpcHandle export() {
        context.enter();
        return IpcHandle.filled(
                "cuIpcGetEventHandle", at -> (int) Cu.IPC_GET_EVENT_HANDLE.invokeExact(at, handle));
    }

    @Override
    public void close() {
        context.enter();
        Calls.status("cuEventDestroy", () -> (int) Cu.EVENT_DESTROY.invokeExact(handle));
    }
}
