package io.kvwire.ffi.opencl;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Commands to a device, which run in the order in which they were enqueued.
 *
 * <p>Nothing here waits except {@link #finish}. Each command gives an event, which the caller
 * closes; host memory of a copy stays alive and unchanged until its event is done. A command waits,
 * besides those before it, for events of other queues that it is given.
 *
 * <p>Confined to one thread. Ranges outside a buffer are refused with {@link TransferException}.
 */
public final class CommandQueue implements AutoCloseable {

    /** How many events a command can wait for. */
    public static final int MOST_EVENTS = 16;

    private final MemorySegment handle;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment event = arena.allocate(ADDRESS);
    private final MemorySegment sizes = arena.allocate(JAVA_LONG, 2);
    private final MemorySegment pattern = arena.allocate(JAVA_BYTE);
    private final MemorySegment waits = arena.allocate(ADDRESS, MOST_EVENTS);

    CommandQueue(MemorySegment handle) {
        this.handle = handle;
    }

    static void requireNative(MemorySegment memory) {
        if (!memory.isNative()) {
            throw new IllegalArgumentException(
                    "memory of the heap cannot be handed to a device: allocate it from an Arena");
        }
    }

    /**
     * Copies memory of the device to the host.
     *
     * @param source the device's
     * @param offset where to begin, in bytes
     * @param target the host's, outside the heap; filled
     * @param after events to wait for
     * @return the command's event
     */
    public Event read(Buffer source, long offset, MemorySegment target, Event... after) {
        requireNative(target);
        int count = waitFor(after);
        return enqueued(
                "clEnqueueReadBuffer of " + target.byteSize() + " bytes at " + offset,
                () ->
                        (int)
                                Cl.ENQUEUE_READ_BUFFER.invokeExact(
                                        handle,
                                        source.handle(),
                                        Constants.CL_FALSE,
                                        offset,
                                        target.byteSize(),
                                        target,
                                        count,
                                        list(count),
                                        event));
    }

    /**
     * Copies memory of the host to the device.
     *
     * @param source the host's, outside the heap
     * @param target the device's
     * @param offset where to begin, in bytes
     * @param after events to wait for
     * @return the command's event
     */
    public Event write(MemorySegment source, Buffer target, long offset, Event... after) {
        requireNative(source);
        int count = waitFor(after);
        return enqueued(
                "clEnqueueWriteBuffer of " + source.byteSize() + " bytes at " + offset,
                () ->
                        (int)
                                Cl.ENQUEUE_WRITE_BUFFER.invokeExact(
                                        handle,
                                        target.handle(),
                                        Constants.CL_FALSE,
                                        offset,
                                        source.byteSize(),
                                        source,
                                        count,
                                        list(count),
                                        event));
    }

    /**
     * Copies within the device.
     *
     * @param source from its start
     * @param target to its start; another buffer
     * @param bytes how many
     * @param after events to wait for
     * @return the command's event
     */
    public Event copy(Buffer source, Buffer target, long bytes, Event... after) {
        int count = waitFor(after);
        return enqueued(
                "clEnqueueCopyBuffer of " + bytes + " bytes",
                () ->
                        (int)
                                Cl.ENQUEUE_COPY_BUFFER.invokeExact(
                                        handle,
                                        source.handle(),
                                        target.handle(),
                                        0L,
                                        0L,
                                        bytes,
                                        count,
                                        list(count),
                                        event));
    }

    /**
     * Sets every byte of a buffer.
     *
     * @param target the buffer
     * @param value what each byte becomes
     * @param after events to wait for
     * @return the command's event
     */
    public Event fill(Buffer target, byte value, Event... after) {
        int count = waitFor(after);
        pattern.set(JAVA_BYTE, 0, value);
        return enqueued(
                "clEnqueueFillBuffer",
                () ->
                        (int)
                                Cl.ENQUEUE_FILL_BUFFER.invokeExact(
                                        handle,
                                        target.handle(),
                                        pattern,
                                        1L,
                                        0L,
                                        target.bytes(),
                                        count,
                                        list(count),
                                        event));
    }

    /**
     * Launches a kernel over one dimension.
     *
     * @param kernel with all arguments set; they may be set anew at once
     * @param groups how many work-groups, at least 1
     * @param groupSize work-items of each
     * @param after events to wait for
     * @return the command's event
     */
    public Event launch(Kernel kernel, long groups, int groupSize, Event... after) {
        int count = waitFor(after);
        sizes.setAtIndex(JAVA_LONG, 0, groups * groupSize);
        sizes.setAtIndex(JAVA_LONG, 1, groupSize);
        return enqueued(
                "launch of " + kernel.name() + ", " + groups + " groups of " + groupSize,
                () ->
                        (int)
                                Cl.ENQUEUE_ND_RANGE_KERNEL.invokeExact(
                                        handle,
                                        kernel.handle(),
                                        1,
                                        MemorySegment.NULL,
                                        sizes,
                                        sizes.asSlice(8),
                                        count,
                                        list(count),
                                        event));
    }

    /** Hands what was enqueued to the device, which may otherwise wait for more. */
    public void flush() {
        Calls.status("clFlush", () -> (int) Cl.FLUSH.invokeExact(handle));
    }

    /** Waits until everything that was enqueued is done. */
    public void finish() {
        Calls.status("clFinish", () -> (int) Cl.FINISH.invokeExact(handle));
    }

    /** Waits until everything that was enqueued is done, and frees the queue. */
    @Override
    public void close() {
        try {
            finish();
        } finally {
            Calls.status(
                    "clReleaseCommandQueue",
                    () -> (int) Cl.RELEASE_COMMAND_QUEUE.invokeExact(handle));
            arena.close();
        }
    }

    private int waitFor(Event... after) {
        if (after.length > MOST_EVENTS) {
            throw new IllegalArgumentException(
                    after.length + " events to wait for: at most " + MOST_EVENTS);
        }
        for (int i = 0; i < after.length; i++) {
            waits.setAtIndex(ADDRESS, i, after[i].handle());
        }
        return after.length;
    }

    /** An empty list has to be NULL. */
    private MemorySegment list(int count) {
        return count == 0 ? MemorySegment.NULL : waits;
    }

    private Event enqueued(String what, Calls.StatusCall call) {
        Calls.status(what, call);
        return new Event(what, event.get(ADDRESS, 0));
    }
}
