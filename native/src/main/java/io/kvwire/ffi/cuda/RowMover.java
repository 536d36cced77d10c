package io.kvwire.ffi.cuda;

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
 * <p>Work is given to the mover's stream and is not waited for. Confined to the thread that fills
 * the stream.
 *
 * <p>Sizes of ranges and block tables are checked before a launch, and {@link TransferException}
 * says what is too small.
 *
 * {@snippet :
 * try (var mover = new RowMover(context, stream);
 *         var paged = mover.paged(new KvRows(slab, layout, placement), cache, cache, blockTable)) {
 *     mover.quantise(paged, int8);
 *     stream.synchronize();
 * }
 * }
 */
public final class RowMover implements AutoCloseable {
    private final Context context;
    private final Stream stream;
    private final KernelModule module;
    private final Kernel gather;
    private final Kernel scatter;
    private final Kernel quantise;
    private final Kernel dequantise;
    private final Kernel takeUnscaled;
    private final Kernel placeUnscaled;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment struct = arena.allocate(KvRows.LAYOUT);

    /**
     * Loads the kernels.
     *
     * @param context of the device
     * @param stream of that context
     * @throws TransferException with the compiler's log where the driver does not take them
     */
    public RowMover(Context context, Stream stream) {
        this.context = context;
        this.stream = stream;
        module = context.module(KernelSource.ptx());
        gather = module.kernel("kv_gather");
        scatter = module.kernel("kv_scatter");
        quantise = module.kernel("kv_quantise_gather");
        dequantise = module.kernel("kv_dequantise_scatter");
        takeUnscaled = module.kernel("kv_take_unscaled");
        placeUnscaled = module.kernel("kv_place_unscaled");
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
    public PagedRows paged(KvRows rows, AddressRange keys, AddressRange values, int... table) {
        rows.requireInside(table, keys.bytes(), values.bytes());
        var buffer = context.allocate(4L * table.length);
        try (var host = Arena.ofConfined()) {
            stream.copyToDevice(host.allocateFrom(JAVA_INT, table), buffer.address());
            // The host's copy must not go before it is read.
            stream.synchronize();
        } catch (RuntimeException | Error e) {
            buffer.close();
            throw e;
        }
        return new PagedRows(rows, keys, values, buffer);
    }

    /**
     * Copies rows from the cache, as they are.
     *
     * @param source in the cache
     * @param target one row behind the other
     */
    public void gather(PagedRows source, AddressRange target) {
        copy(gather, source, target);
    }

    /**
     * Copies rows to the cache, as they are.
     *
     * @param source one row behind the other
     * @param target in the cache
     */
    public void scatter(AddressRange source, PagedRows target) {
        copy(scatter, target, source);
    }

    private void copy(Kernel kernel, PagedRows paged, AddressRange dense) {
        var rows = paged.rows();
        requireRoom("rows", dense, (long) rows.count() * rows.rowBytes());
        start(kernel, paged);
        kernel.argument(4, dense.start());
        stream.launch(kernel, rows.groups(), KvRows.THREADS_OF_GROUP);
    }

    /**
     * Makes codes and scales of rows of the cache.
     *
     * @param source in the cache; FP32, FP16 or BF16
     * @param target filled; its count says how many rows {@link #takeUnscaled} has to look after
     */
    public void quantise(PagedRows source, Int8Rows target) {
        requireRoom(source.rows(), target);
        requireRoom("the count of unscaled rows", target.unscaled(), 4);
        start(quantise, source);
        quantise.argument(4, target.codes().start());
        quantise.argument(5, target.scales().start());
        quantise.argument(6, target.unscaled().start());
        stream.fill(target.unscaled().start(), (byte) 0, Integer.BYTES);
        stream.launch(quantise, source.rows().groups(), KvRows.THREADS_OF_GROUP);
    }

    /**
     * Makes rows of the cache from codes and scales. Rows with the scale 0 stay as they are.
     *
     * @param source codes and scales
     * @param target in the cache; FP32, FP16 or BF16
     */
    public void dequantise(Int8Rows source, PagedRows target) {
        requireRoom(target.rows(), source);
        start(dequantise, target);
        dequantise.argument(4, source.codes().start());
        dequantise.argument(5, source.scales().start());
        stream.launch(dequantise, target.rows().groups(), KvRows.THREADS_OF_GROUP);
    }

    /**
     * Copies what the codes do not hold of rows that no scale fits.
     *
     * @param source in the cache
     * @param target the list of rows, read; the auxiliary bytes, filled
     */
    public void takeUnscaled(PagedRows source, UnscaledRows target) {
        requireRoom(source.rows(), target);
        start(takeUnscaled, source);
        takeUnscaled.argument(4, target.list().start());
        takeUnscaled.argument(5, target.auxiliary().start());
        stream.launch(takeUnscaled, target.count(), KvRows.THREADS_OF_GROUP);
    }

    /**
     * Puts rows that no scale fits into the cache.
     *
     * @param codes hold their first bytes
     * @param source the list of rows, and their other bytes
     * @param target in the cache
     */
    public void placeUnscaled(Int8Rows codes, UnscaledRows source, PagedRows target) {
        requireRoom(target.rows(), codes);
        requireRoom(target.rows(), source);
        start(placeUnscaled, target);
        placeUnscaled.argument(4, source.list().start());
        placeUnscaled.argument(5, codes.codes().start());
        placeUnscaled.argument(6, source.auxiliary().start());
        stream.launch(placeUnscaled, source.count(), KvRows.THREADS_OF_GROUP);
    }

    private void start(Kernel kernel, PagedRows paged) {
        paged.rows().write(struct);
        kernel.argument(0, struct);
        kernel.argument(1, paged.keys().start());
        kernel.argument(2, paged.values().start());
        kernel.argument(3, paged.table().address());
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

    private static void requireRoom(String what, AddressRange range, long bytes) {
        if (range.bytes() < bytes) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "a range of "
                            + range.bytes()
                            + " bytes is too small for "
                            + what
                            + ": needs "
                            + bytes);
        }
    }

    /** Closes the kernels, which must be done; the context and the stream are the caller's. */
    @Override
    public void close() {
        gather.close();
        scatter.close();
        quantise.close();
        dequantise.close();
        takeUnscaled.close();
        placeUnscaled.close();
        module.close();
        arena.close();
    }
}
