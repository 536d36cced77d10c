package io.kvwire.pcie.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.cuda.AddressRange;
import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.DeviceBuffer;
import io.kvwire.ffi.cuda.Int8Rows;
import io.kvwire.ffi.cuda.PagedRows;
import io.kvwire.ffi.cuda.RowMover;
import io.kvwire.ffi.cuda.Stream;
import io.kvwire.ffi.cuda.UnscaledRows;
import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.pcie.lanes.Opened;
import io.kvwire.pcie.lanes.Room;
import io.kvwire.pcie.lanes.RowCoder;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.spi.CodedForm;
import io.kvwire.transport.spi.PagedSlab;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** One slab's coding at a time: a stream, the kernels, and the codes. */
final class CodingLane implements RowCoder {
    private final Context context;
    private final KnownRanges known;
    private final Opened opened = new Opened();
    private final Stream stream;
    private final RowMover mover;
    private final DeviceBuffer unscaled;
    private final Room<DeviceBuffer> codes;
    private final Room<DeviceBuffer> scales;

    CodingLane(Context context, KnownRanges known) {
        this.context = context;
        this.known = known;
        try {
            stream = opened.add(context.urgentStream(), Stream::close);
            mover = opened.add(new RowMover(context, stream), RowMover::close);
            unscaled = opened.add(context.allocate(Integer.BYTES), DeviceBuffer::close);
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
        codes = opened.add(new Room<>(context::allocate, DeviceBuffer::close), Room::close);
        scales = opened.add(new Room<>(context::allocate, DeviceBuffer::close), Room::close);
    }

    @Override
    public long quantise(PagedSlab source, MemorySegment host) {
        var form = CodedForm.of(source.slab());
        var int8 = room(form);
        try (var paged = paged(source)) {
            mover.quantise(paged, int8);
            stream.copyToHost(unscaled.address(), host.asSlice(0, Integer.BYTES));
            stream.copyToHost(int8.codes().start(), form.codes(host));
            stream.copyToHost(int8.scales().start(), form.scales(host));
            stream.synchronize();
            int count = form.unscaled(host);
            form.writeHeader(host, count);
            if (form.bytes(count) > host.byteSize()) {
                return 0;
            }
            if (count > 0) {
                takeUnscaled(paged, form, count, host);
            }
            return form.bytes(count);
        } finally {
            stream.synchronize();
        }
    }

    private void takeUnscaled(PagedRows paged, CodedForm form, int count, MemorySegment host) {
        form.writeList(host, form.rowsWithoutScale(host, count));
        try (var list = context.allocate((long) count * Integer.BYTES);
                var rest = context.allocate((long) count * form.restBytes())) {
            stream.copyToDevice(host.asSlice(form.listAt(), list.bytes()), list.address());
            mover.takeUnscaled(paged, new UnscaledRows(count, list.range(), rest.range()));
            stream.copyToHost(rest.address(), host.asSlice(form.restAt(count), rest.bytes()));
            stream.synchronize();
        }
    }

    @Override
    public void dequantise(MemorySegment host, PagedSlab target) {
        var form = CodedForm.of(target.slab());
        int[] unscaled = form.list(host);
        var int8 = room(form);
        try (var paged = paged(target)) {
            stream.copyToDevice(form.codes(host), int8.codes().start());
            stream.copyToDevice(form.scales(host), int8.scales().start());
            mover.dequantise(int8, paged);
            if (unscaled.length > 0) {
                placeUnscaled(paged, int8, form, host, unscaled);
            }
        } finally {
            stream.synchronize();
        }
    }

    private void placeUnscaled(
            PagedRows paged, Int8Rows int8, CodedForm form, MemorySegment host, int... rows) {
        int count = rows.length;
        try (var arena = Arena.ofConfined();
                var list = context.allocate((long) count * Integer.BYTES);
                var rest = context.allocate((long) count * form.restBytes())) {
            // What was checked, and not the form, which a peer might still write to.
            var unscaled = new UnscaledRows(count, list.range(), rest.range());
            try {
                stream.copyToDevice(arena.allocateFrom(JAVA_INT, rows), list.address());
                stream.copyToDevice(host.asSlice(form.restAt(count), rest.bytes()), rest.address());
                mover.placeUnscaled(int8, unscaled, paged);
            } finally {
                stream.synchronize();
            }
        }
    }

    private Int8Rows room(CodedForm form) {
        return new Int8Rows(
                codes.atLeast(form.codeBytes()).range(),
                scales.atLeast(form.rows() * Float.BYTES).range(),
                unscaled.range());
    }

    private PagedRows paged(PagedSlab slab) {
        var placement = slab.placement();
        var rows = new KvRows(slab.slab(), slab.cache(), placement);
        // A latent has no values, whatever the placement names for them.
        boolean latent = slab.cache().form() == KvForm.LATENT;
        var values = latent ? placement.key() : placement.value();
        return mover.paged(rows, range(placement.key()), range(values), slab.table());
    }

    private AddressRange range(MemorySegment segment) {
        return new AddressRange(known.find(segment, 0, segment.byteSize()), segment.byteSize());
    }

    @Override
    public void close() {
        opened.close();
    }
}
