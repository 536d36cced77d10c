package io.kvwire.pcie.opencl;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.opencl.Buffer;
import io.kvwire.ffi.opencl.Buffers;
import io.kvwire.ffi.opencl.CommandQueue;
import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.Int8Rows;
import io.kvwire.ffi.opencl.PagedRows;
import io.kvwire.ffi.opencl.RowMover;
import io.kvwire.ffi.opencl.UnscaledRows;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.QuantisedRows;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** One slab's coding at a time: a queue, the kernels, and the codes. Confined to one thread. */
final class CodingLane implements AutoCloseable {
    private static final ValueLayout.OfInt INT =
            JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Context context;
    private final CommandQueue queue;
    private final RowMover mover;
    private final Buffer unscaled;
    private Buffer codes;
    private Buffer scales;

    CodingLane(Context context) {
        this.context = context;
        queue = context.queue();
        mover = new RowMover(context, queue);
        unscaled = context.buffer(Integer.BYTES);
        codes = context.buffer(1);
        scales = context.buffer(1);
    }

    /** Where the parts of a coded form are. */
    private record Form(long rows, long codeBytes, long scalesAt, long listAt, int restBytes) {
        static Form of(Slab slab) {
            long rows = QuantisedRows.rows(slab);
            long scalesAt = QuantisedRows.scalesAt(slab);
            int dim = slab.layout().headDim();
            return new Form(
                    rows,
                    rows * dim,
                    scalesAt,
                    scalesAt + rows * Float.BYTES,
                    slab.layout().vectorBytes() - dim);
        }

        long restAt(int count) {
            return listAt + (long) count * Integer.BYTES;
        }

        long bytes(int count) {
            return restAt(count) + (long) count * restBytes;
        }

        MemorySegment codes(MemorySegment host) {
            return host.asSlice(QuantisedRows.HEADER_BYTES, codeBytes);
        }

        MemorySegment scales(MemorySegment host) {
            return host.asSlice(scalesAt, rows * Float.BYTES);
        }
    }

    long quantise(Buffers buffers, PagedSlab source, MemorySegment host) {
        var form = Form.of(source.slab());
        var int8 = room(form);
        try (var paged = paged(buffers, source)) {
            mover.quantise(paged, int8).close();
            queue.read(unscaled, 0, host.asSlice(0, Integer.BYTES)).close();
            queue.read(codes, 0, form.codes(host)).close();
            queue.read(scales, 0, form.scales(host)).close();
            queue.finish();
            host.set(INT, Integer.BYTES, 0);
            int count = host.get(INT, 0);
            if (count > 0) {
                takeUnscaled(paged, form, count, host);
            }
            return form.bytes(count);
        } finally {
            queue.finish();
        }
    }

    private void takeUnscaled(PagedRows paged, Form form, int count, MemorySegment host) {
        int found = 0;
        for (int row = 0; row < form.rows(); row++) {
            if (host.get(FLOAT, form.scalesAt() + 4L * row) == 0) {
                host.set(INT, form.listAt() + 4L * found++, row);
            }
        }
        if (found != count) {
            throw new TransferException(
                    ErrorCode.INTERNAL,
                    context.device().name() + " counts " + count + " rows of " + found);
        }
        try (var list = context.buffer((long) count * Integer.BYTES);
                var rest = context.buffer((long) count * Math.max(1, form.restBytes()))) {
            queue.write(host.asSlice(form.listAt(), list.bytes()), list, 0).close();
            mover.takeUnscaled(paged, new UnscaledRows(count, list, rest)).close();
            queue.read(rest, 0, host.asSlice(form.restAt(count), rest.bytes())).close();
            queue.finish();
        }
    }

    void dequantise(Buffers buffers, MemorySegment host, PagedSlab target) {
        var form = Form.of(target.slab());
        int count = requireForm(form, host);
        var int8 = room(form);
        try (var paged = paged(buffers, target)) {
            queue.write(form.codes(host), codes, 0).close();
            queue.write(form.scales(host), scales, 0).close();
            mover.dequantise(int8, paged).close();
            if (count > 0) {
                placeUnscaled(paged, int8, form, count, host);
            }
        } finally {
            queue.finish();
        }
    }

    private void placeUnscaled(
            PagedRows paged, Int8Rows int8, Form form, int count, MemorySegment host) {
        try (var list = context.buffer((long) count * Integer.BYTES);
                var rest = context.buffer((long) count * Math.max(1, form.restBytes()))) {
            queue.write(host.asSlice(form.listAt(), list.bytes()), list, 0).close();
            queue.write(host.asSlice(form.restAt(count), rest.bytes()), rest, 0).close();
            mover.placeUnscaled(int8, new UnscaledRows(count, list, rest), paged).close();
            queue.finish();
        }
    }

    /** Checks lengths and row numbers, which a kernel would follow wherever they lead. */
    private static int requireForm(Form form, MemorySegment host) {
        if (host.byteSize() < form.bytes(0)) {
            throw malformed(host.byteSize() + " bytes for " + form.rows() + " rows");
        }
        int count = host.get(INT, 0);
        if (count < 0 || count > form.rows() || form.bytes(count) > host.byteSize()) {
            throw malformed(count + " rows without a scale of " + form.rows());
        }
        int last = -1;
        for (int i = 0; i < count; i++) {
            int row = host.get(INT, form.listAt() + 4L * i);
            if (row <= last || row >= form.rows()) {
                throw malformed("row " + row + " without a scale");
            }
            last = row;
        }
        return count;
    }

    private static TransferException malformed(String what) {
        return new TransferException(ErrorCode.MALFORMED, "no coded form of the slab: " + what);
    }

    private Int8Rows room(Form form) {
        codes = atLeast(codes, form.codeBytes());
        scales = atLeast(scales, form.rows() * Float.BYTES);
        return new Int8Rows(codes, scales, unscaled);
    }

    private Buffer atLeast(Buffer buffer, long bytes) {
        if (buffer.bytes() >= bytes) {
            return buffer;
        }
        buffer.close();
        return context.buffer(bytes);
    }

    private PagedRows paged(Buffers buffers, PagedSlab slab) {
        var placement = slab.placement();
        var key = buffers.find(placement.key(), 0, placement.key().byteSize());
        var value = buffers.find(placement.value(), 0, placement.value().byteSize());
        var inBuffers =
                new LayerPlacement(
                        placement.key(),
                        placement.keyOffset() + key.offset(),
                        placement.value(),
                        placement.valueOffset() + value.offset(),
                        placement.blockStride());
        var rows = new KvRows(slab.slab(), slab.cache(), inBuffers);
        return mover.paged(rows, key.buffer(), value.buffer(), slab.table());
    }

    @Override
    public void close() {
        mover.close();
        queue.close();
        unscaled.close();
        codes.close();
        scales.close();
    }
}
