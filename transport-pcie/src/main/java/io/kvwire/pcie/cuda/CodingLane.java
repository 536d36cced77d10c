package io.kvwire.pcie.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;

import io.kvwire.ffi.cuda.AddressRange;
import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.DeviceBuffer;
import io.kvwire.ffi.cuda.Int8Rows;
import io.kvwire.ffi.cuda.PagedRows;
import io.kvwire.ffi.cuda.RowMover;
import io.kvwire.ffi.cuda.Stream;
import io.kvwire.ffi.cuda.UnscaledRows;
import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.QuantisedRows;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** One slab's coding at a time: a stream, the kernels, and the codes. Confined to one thread. */
final class CodingLane implements AutoCloseable {
    private static final ValueLayout.OfInt INT =
            JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final Context context;
    private final Stream stream;
    private final RowMover mover;
    private final DeviceBuffer unscaled;
    private DeviceBuffer codes;
    private DeviceBuffer scales;

    CodingLane(Context context) {
        this.context = context;
        stream = context.urgentStream();
        mover = new RowMover(context, stream);
        unscaled = context.allocate(Integer.BYTES);
        codes = context.allocate(1);
        scales = context.allocate(1);
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

    long quantise(KnownRanges known, PagedSlab source, MemorySegment host) {
        var form = Form.of(source.slab());
        var int8 = room(form);
        try (var paged = paged(known, source)) {
            mover.quantise(paged, int8);
            stream.copyToHost(unscaled.address(), host.asSlice(0, Integer.BYTES));
            stream.copyToHost(codes.address(), form.codes(host));
            stream.copyToHost(scales.address(), form.scales(host));
            stream.synchronize();
            host.set(INT, Integer.BYTES, 0);
            int count = host.get(INT, 0);
            if (count > 0) {
                takeUnscaled(paged, form, count, host);
            }
            return form.bytes(count);
        } finally {
            stream.synchronize();
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
        try (var list = context.allocate((long) count * Integer.BYTES);
                var rest = context.allocate((long) count * Math.max(1, form.restBytes()))) {
            stream.copyToDevice(host.asSlice(form.listAt(), list.bytes()), list.address());
            mover.takeUnscaled(paged, new UnscaledRows(count, list.range(), rest.range()));
            stream.copyToHost(rest.address(), host.asSlice(form.restAt(count), rest.bytes()));
            stream.synchronize();
        }
    }

    void dequantise(KnownRanges known, MemorySegment host, PagedSlab target) {
        var form = Form.of(target.slab());
        int count = requireForm(form, host);
        var int8 = room(form);
        try (var paged = paged(known, target)) {
            stream.copyToDevice(form.codes(host), codes.address());
            stream.copyToDevice(form.scales(host), scales.address());
            mover.dequantise(int8, paged);
            if (count > 0) {
                placeUnscaled(paged, int8, form, count, host);
            }
        } finally {
            stream.synchronize();
        }
    }

    private void placeUnscaled(
            PagedRows paged, Int8Rows int8, Form form, int count, MemorySegment host) {
        try (var list = context.allocate((long) count * Integer.BYTES);
                var rest = context.allocate((long) count * Math.max(1, form.restBytes()))) {
            stream.copyToDevice(host.asSlice(form.listAt(), list.bytes()), list.address());
            stream.copyToDevice(host.asSlice(form.restAt(count), rest.bytes()), rest.address());
            mover.placeUnscaled(int8, new UnscaledRows(count, list.range(), rest.range()), paged);
            stream.synchronize();
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
        return new Int8Rows(codes.range(), scales.range(), unscaled.range());
    }

    private DeviceBuffer atLeast(DeviceBuffer buffer, long bytes) {
        if (buffer.bytes() >= bytes) {
            return buffer;
        }
        buffer.close();
        return context.allocate(bytes);
    }

    private PagedRows paged(KnownRanges known, PagedSlab slab) {
        var placement = slab.placement();
        var rows = new KvRows(slab.slab(), slab.cache(), placement);
        return mover.paged(
                rows, range(known, placement.key()), range(known, placement.value()), slab.table());
    }

    private static AddressRange range(KnownRanges known, MemorySegment segment) {
        return new AddressRange(known.find(segment, 0, segment.byteSize()), segment.byteSize());
    }

    @Override
    public void close() {
        mover.close();
        stream.close();
        unscaled.close();
        codes.close();
        scales.close();
    }
}
