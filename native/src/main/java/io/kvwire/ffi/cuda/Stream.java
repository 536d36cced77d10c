package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.kvwire.ffi.CStruct;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A queue of work for a device, done one after the other. Nothing here waits except {@link
 * #synchronize}.
 *
 * <p>Memory of the host belongs to a copy until the stream has come past it; a copy from or to
 * memory that is not page-locked may be done before the call returns, but need not be. Thread-safe.
 */
public final class Stream implements AutoCloseable {
    private final Context context;
    private final long handle;
    private final boolean owned;

    Stream(Context context, long handle) {
        this(context, handle, true);
    }

    private Stream(Context context, long handle, boolean owned) {
        this.context = context;
        this.handle = handle;
        this.owned = owned;
    }

    static Stream foreign(Context context, long handle) {
        return new Stream(context, handle, false);
    }

    long handle() {
        return handle;
    }

    /** {@return the context} */
    public Context context() {
        return context;
    }

    /**
     * Copies memory of the host to the device.
     *
     * @param source native
     * @param target the device's address
     */
    public void copyToDevice(MemorySegment source, long target) {
        requireNative(source);
        context.enter();
        long bytes = source.byteSize();
        Calls.status(
                "copy of " + bytes + " bytes to the device",
                () -> (int) Cu.MEMCPY_HTOD_ASYNC.invokeExact(target, source, bytes, handle));
    }

    /**
     * Copies memory of the device to the host.
     *
     * @param source the device's address
     * @param target native
     */
    public void copyToHost(long source, MemorySegment target) {
        requireNative(target);
        context.enter();
        long bytes = target.byteSize();
        Calls.status(
                "copy of " + bytes + " bytes to the host",
                () -> (int) Cu.MEMCPY_DTOH_ASYNC.invokeExact(target, source, bytes, handle));
    }

    /**
     * Copies within the device, or from another one that it reaches.
     *
     * @param source address
     * @param target address
     * @param bytes how many
     */
    public void copy(long source, long target, long bytes) {
        context.enter();
        Calls.status(
                "copy of " + bytes + " bytes on the device",
                () -> (int) Cu.MEMCPY_DTOD_ASYNC.invokeExact(target, source, bytes, handle));
    }

    /**
     * Copies from another device, through the host where they do not reach each other.
     *
     * @param from the other device's context
     * @param source address there
     * @param target address here
     * @param bytes how many
     */
    public void copyFrom(Context from, long source, long target, long bytes) {
        context.enter();
        long here = context.handle();
        Calls.status(
                "copy of " + bytes + " bytes between devices",
                () ->
                        (int)
                                Cu.MEMCPY_PEER_ASYNC.invokeExact(
                                        target, here, source, from.handle(), bytes, handle));
    }

    /**
     * Copies equally long rows within the device.
     *
     * @param source of the first row; the pitch is what lies between starts of rows, in bytes
     * @param target likewise
     * @param width bytes of a row
     * @param height rows
     */
    public void copyRows(Pitched source, Pitched target, long width, long height) {
        context.enter();
        try (var arena = Arena.ofConfined()) {
            var copy = arena.allocate(Structs.COPY_2D);
            put(copy, "srcMemoryType", Constants.CU_MEMORYTYPE_DEVICE);
            put(copy, "srcDevice", source.address());
            put(copy, "srcPitch", source.pitch());
            put(copy, "dstMemoryType", Constants.CU_MEMORYTYPE_DEVICE);
            put(copy, "dstDevice", target.address());
            put(copy, "dstPitch", target.pitch());
            put(copy, "WidthInBytes", width);
            put(copy, "Height", height);
            Calls.status(
                    "copy of " + height + " rows of " + width + " bytes",
                    () -> (int) Cu.MEMCPY_2D_ASYNC.invokeExact(copy, handle));
        }
    }

    /**
     * The first of some rows.
     *
     * @param address of the device
     * @param pitch bytes from row to row
     */
    public record Pitched(long address, long pitch) {}

    private static void put(MemorySegment struct, String field, int value) {
        struct.set(JAVA_INT, CStruct.offset(Structs.COPY_2D, field), value);
    }

    private static void put(MemorySegment struct, String field, long value) {
        struct.set(JAVA_LONG, CStruct.offset(Structs.COPY_2D, field), value);
    }

    /**
     * Copies ranges with one call where the driver can (CUDA 12.8 and newer), else one by one.
     *
     * @param targets addresses, 8 bytes each
     * @param sources addresses, 8 bytes each
     * @param sizes in bytes, 8 bytes each
     * @param count how many
     */
    public void copyBatch(
            MemorySegment targets, MemorySegment sources, MemorySegment sizes, int count) {
        if (count == 0) {
            return;
        }
        context.enter();
        if (Cu.MEMCPY_BATCH_ASYNC_V2.isPresent() || Cu.MEMCPY_BATCH_ASYNC.isPresent()) {
            batch(targets, sources, sizes, count);
            return;
        }
        for (int i = 0; i < count; i++) {
            copy(
                    sources.getAtIndex(JAVA_LONG, i),
                    targets.getAtIndex(JAVA_LONG, i),
                    sizes.getAtIndex(JAVA_LONG, i));
        }
    }

    private void batch(
            MemorySegment targets, MemorySegment sources, MemorySegment sizes, int count) {
        try (var arena = Arena.ofConfined()) {
            var attributes = arena.allocate(Structs.COPY_ATTRIBUTES);
            attributes.set(
                    JAVA_INT,
                    CStruct.offset(Structs.COPY_ATTRIBUTES, "srcAccessOrder"),
                    Constants.CU_MEMCPY_SRC_ACCESS_ORDER_STREAM);
            var first = arena.allocate(JAVA_LONG);
            var failed = arena.allocate(JAVA_LONG);
            long copies = count;
            Calls.status(
                    "batch of " + count + " copies",
                    () -> {
                        if (Cu.MEMCPY_BATCH_ASYNC_V2.isPresent()) {
                            return (int)
                                    Cu.MEMCPY_BATCH_ASYNC_V2
                                            .get()
                                            .invokeExact(
                                                    targets,
                                                    sources,
                                                    sizes,
                                                    copies,
                                                    attributes,
                                                    first,
                                                    1L,
                                                    handle);
                        }
                        return (int)
                                Cu.MEMCPY_BATCH_ASYNC
                                        .orElseThrow()
                                        .invokeExact(
                                                targets,
                                                sources,
                                                sizes,
                                                copies,
                                                attributes,
                                                first,
                                                1L,
                                                failed,
                                                handle);
                    });
        }
    }

    /**
     * Fills memory of the device.
     *
     * @param target address
     * @param value of every byte
     * @param bytes how many
     */
    public void fill(long target, byte value, long bytes) {
        context.enter();
        Calls.status(
                "fill of " + bytes + " bytes",
                () -> (int) Cu.MEMSET_D8_ASYNC.invokeExact(target, value, bytes, handle));
    }

    /**
     * Launches a kernel over groups of threads, in one dimension.
     *
     * @param kernel with all its arguments; they may be changed after this returns
     * @param groups at least 1
     * @param threads of a group
     */
    public void launch(Kernel kernel, int groups, int threads) {
        var arguments = kernel.arguments();
        context.enter();
        long function = kernel.handle();
        Calls.status(
                "launch of " + kernel.name() + " over " + groups + " groups",
                () ->
                        (int)
                                Cu.LAUNCH_KERNEL.invokeExact(
                                        function,
                                        groups,
                                        1,
                                        1,
                                        threads,
                                        1,
                                        1,
                                        0,
                                        handle,
                                        arguments,
                                        MemorySegment.NULL));
    }

    /**
     * Marks the point that the stream has reached when all work given so far is done.
     *
     * @param event moved here from where it was
     */
    public void record(Event event) {
        context.enter();
        Calls.status(
                "cuEventRecord", () -> (int) Cu.EVENT_RECORD.invokeExact(event.handle(), handle));
    }

    /**
     * Lets the stream, but not the caller, wait for a point of another one.
     *
     * @param event as it is recorded now
     */
    public void waitFor(Event event) {
        context.enter();
        Calls.status(
                "cuStreamWaitEvent",
                () -> (int) Cu.STREAM_WAIT_EVENT.invokeExact(handle, event.handle(), 0));
    }

    /** {@return whether all work given so far is done} */
    public boolean isIdle() {
        context.enter();
        int status = Calls.raw("cuStreamQuery", () -> (int) Cu.STREAM_QUERY.invokeExact(handle));
        if (status != 0 && status != Result.CUDA_ERROR_NOT_READY.number()) {
            throw Result.failure("work on a stream", status);
        }
        return status == 0;
    }

    /**
     * Waits until all work given so far is done.
     *
     * @throws TransferException when some failed
     */
    public void synchronize() {
        context.enter();
        Calls.status("work on a stream", () -> (int) Cu.STREAM_SYNCHRONIZE.invokeExact(handle));
    }

    private static void requireNative(MemorySegment memory) {
        if (!memory.isNative()) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE, "memory of the heap has no address: copy it first");
        }
    }

    @Override
    public void close() {
        if (owned) {
            context.enter();
            Calls.status("cuStreamDestroy", () -> (int) Cu.STREAM_DESTROY.invokeExact(handle));
        }
    }
}
