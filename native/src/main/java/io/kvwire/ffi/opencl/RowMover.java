package io.kvwire.ffi.opencl;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.kernels.KernelSource;
import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Moves rows between a paged KV cache and the dense order of a frame, as they are or as INT8 codes:
 * one launch for all rows of a slab, however scattered their blocks. Changes of order and of block
 * size cost no pass of their own.
 *
 * <p>Commands are enqueued on the mover's queue, and their events are the caller's to close.
 * Confined to the thread of its queue.
 *
 * <p>Sizes of buffers and block tables are checked before a launch, and {@link TransferException}
 * says what is too small.
 *
 * {@snippet :
 * try (var mover = new RowMover(context, queue);
 *         var paged = mover.paged(new KvRows(slab, layout, placement), cache, cache, blockTable);
 *         var done = mover.quantise(paged, int8)) {
 *     done.await();
 * }
 * }
 */
public final class RowMover implements AutoCloseable {

    private static final String EXACT = " -cl-fp32-correctly-rounded-divide-sqrt";

    private final Context context;
    private final CommandQueue queue;
    private final Program program;
    private final Kernel gather;
    private final Kernel scatter;
    private final Kernel quantise;
    private final Kernel dequantise;
    private final Kernel takeUnscaled;
    private final Kernel placeUnscaled;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment struct = arena.allocate(KvRows.LAYOUT);

    /**
     * Compiles the kernels.
     *
     * @param context of the device
     * @param queue of that context
     * @throws TransferException with the compiler's log where they do not compile, and with {@link
     *     ErrorCode#PATH_UNAVAILABLE} where the device has smaller work-groups
     */
    public RowMover(Context context, CommandQueue queue) {
        var device = context.device();
        if (device.largestGroup() < KvRows.THREADS_OF_GROUP) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    device.name()
                            + " runs groups of at most "
                            + device.largestGroup()
                            + ", the kernels need "
                            + KvRows.THREADS_OF_GROUP);
        }
        this.context = context;
        this.queue = queue;
        var options = "-cl-std=CL1.2" + (device.dividesExactly() ? EXACT : "");
        program = context.program(KernelSource.openCl(), options);
        gather = program.kernel("kv_gather");
        scatter = program.kernel("kv_scatter");
        quantise = program.kernel("kv_quantise_gather");
        dequantise = program.kernel("kv_dequantise_scatter");
        takeUnscaled = program.kernel("kv_take_unscaled");
        placeUnscaled = program.kernel("kv_place_unscaled");
    }

    /**
     * Brings a block table to the device, after checking it.
     *
     * @param rows which rows
     * @param keys memory of K or of the latent
     * @param values memory of V; may be the same
     * @param table for each block of the request, from its token 0, its number in the cache
     * @return the rows; the caller closes them
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when the table leads outside
     */
    public PagedRows paged(KvRows rows, Buffer keys, Buffer values, int... table) {
        rows.requireInside(table, keys.bytes(), values.bytes());
        var buffer = context.buffer(4L * table.length);
        try (var host = Arena.ofConfined();
                var written = queue.write(host.allocateFrom(JAVA_INT, table), buffer, 0)) {
            written.await();
        }
        return new PagedRows(rows, keys, values, buffer);
    }

    /**
     * Copies rows from the cache, as they are.
     *
     * @param source in the cache
     * @param target one row behind the other
     * @param after events to wait for
     * @return the command's event
     */
    public Event gather(PagedRows source, Buffer target, Event... after) {
        return copy(gather, source, target, after);
    }

    /**
     * Copies rows to the cache, as they are.
     *
     * @param source one row behind the other
     * @param target in the cache
     * @param after events to wait for
     * @return the command's event
     */
    public Event scatter(Buffer source, PagedRows target, Event... after) {
        return copy(scatter, target, source, after);
    }

    private Event copy(Kernel kernel, PagedRows paged, Buffer dense, Event... after) {
        var rows = paged.rows();
        requireRoom("rows", dense, (long) rows.count() * rows.rowBytes());
        start(kernel, paged);
        kernel.argument(4, dense);
        return queue.launch(kernel, rows.groups(), KvRows.THREADS_OF_GROUP, after);
    }

    /**
     * Makes codes and scales of rows of the cache.
     *
     * @param source in the cache; FP32, FP16 or BF16
     * @param target filled; its count says how many rows {@link #takeUnscaled} has to look after
     * @param after events to wait for
     * @return the command's event
     */
    public Event quantise(PagedRows source, Int8Rows target, Event... after) {
        requireRoom(source.rows(), target);
        requireRoom("the count of unscaled rows", target.unscaled(), 4);
        start(quantise, source);
        quantise.argument(4, target.codes());
        quantise.argument(5, target.scales());
        quantise.argument(6, target.unscaled());
        // The queue is in order: the kernel runs after the zero is there.
        queue.fill(target.unscaled(), (byte) 0, after).close();
        return queue.launch(quantise, source.rows().groups(), KvRows.THREADS_OF_GROUP);
    }

    /**
     * Makes rows of the cache from codes and scales. Rows with the scale 0 stay as they are.
     *
     * @param source codes and scales
     * @param target in the cache; FP32, FP16 or BF16
     * @param after events to wait for
     * @return the command's event
     */
    public Event dequantise(Int8Rows source, PagedRows target, Event... after) {
        requireRoom(target.rows(), source);
        start(dequantise, target);
        dequantise.argument(4, source.codes());
        dequantise.argument(5, source.scales());
        return queue.launch(dequantise, target.rows().groups(), KvRows.THREADS_OF_GROUP, after);
    }

    /**
     * Copies what the codes do not hold of rows that no scale fits.
     *
     * @param source in the cache
     * @param target the list of rows, read; the auxiliary bytes, filled
     * @param after events to wait for
     * @return the command's event
     */
    public Event takeUnscaled(PagedRows source, UnscaledRows target, Event... after) {
        requireRoom(source.rows(), target);
        start(takeUnscaled, source);
        takeUnscaled.argument(4, target.list());
        takeUnscaled.argument(5, target.auxiliary());
        return queue.launch(takeUnscaled, target.count(), KvRows.THREADS_OF_GROUP, after);
    }

    /**
     * Puts rows that no scale fits into the cache.
     *
     * @param codes hold their first bytes
     * @param source the list of rows, and their other bytes
     * @param target in the cache
     * @param after events to wait for
     * @return the command's event
     */
    public Event placeUnscaled(
            Int8Rows codes, UnscaledRows source, PagedRows target, Event... after) {
        requireRoom(target.rows(), codes);
        requireRoom(target.rows(), source);
        start(placeUnscaled, target);
        placeUnscaled.argument(4, source.list());
        placeUnscaled.argument(5, codes.codes());
        placeUnscaled.argument(6, source.auxiliary());
        return queue.launch(placeUnscaled, source.count(), KvRows.THREADS_OF_GROUP, after);
    }

    private void start(Kernel kernel, PagedRows paged) {
        paged.rows().write(struct);
        kernel.argument(0, struct);
        kernel.argument(1, paged.keys());
        kernel.argument(2, paged.values());
        kernel.argument(3, paged.table());
    }

    private static void requireRoom(KvRows rows, Int8Rows int8) {
        if (!rows.isQuantisable()) {
            throw new TransferException(
                    ErrorCode.INCOMPATIBLE_LAYOUT,
                    "rows of "
                            + rows.cache().dtype()
                            + " have no INT8 codes: gather them as they are");
        }
        requireRoom("codes", int8.codes(), (long) rows.count() * rows.cache().headDim());
        requireRoom("scales", int8.scales(), 4L * rows.count());
    }

    private static void requireRoom(KvRows rows, UnscaledRows unscaled) {
        long rest = (long) rows.rowBytes() - rows.cache().headDim();
        requireRoom("the list of unscaled rows", unscaled.list(), 4L * unscaled.count());
        requireRoom("auxiliary bytes", unscaled.auxiliary(), rest * unscaled.count());
    }

    private static void requireRoom(String what, Buffer buffer, long bytes) {
        if (buffer.bytes() < bytes) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "a buffer of "
                            + buffer.bytes()
                            + " bytes is too small for "
                            + what
                            + ": needs "
                            + bytes);
        }
    }

    /** Closes the kernels; the context and the queue are the caller's. */
    @Override
    public void close() {
        gather.close();
        scatter.close();
        quantise.close();
        dequantise.close();
        takeUnscaled.close();
        placeUnscaled.close();
        program.close();
        arena.close();
    }
}
