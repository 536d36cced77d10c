package io.kvwire.pcie.opencl;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.opencl.Buffer;
import io.kvwire.ffi.opencl.Buffers;
import io.kvwire.ffi.opencl.CommandQueue;
import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.Int8Rows;
import io.kvwire.ffi.opencl.PagedRows;
import io.kvwire.ffi.opencl.RowMover;
import io.kvwire.ffi.opencl.UnscaledRows;
import io.kvwire.pcie.lanes.Opened;
import io.kvwire.pcie.lanes.Room;
import io.kvwire.pcie.lanes.RowCoder;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.spi.CodedForm;
import io.kvwire.transport.spi.PagedSlab;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** One slab's coding at a time: a queue, the kernels, and the codes. */
final class CodingLane implements RowCoder {
    private final Context context;
    private final Buffers buffers;
    private final Opened opened = new Opened();
    private final CommandQueue queue;
    private final RowMover mover;
    private final Buffer unscaled;
    private final Room<Buffer> codes;
    private final Room<Buffer> scales;

    CodingLane(Context context, Buffers buffers) {
        this.context = context;
        this.buffers = buffers;
        try {
            queue = opened.add(context.queue(), CommandQueue::close);
            mover = opened.add(new RowMover(context, queue), RowMover::close);
            unscaled = opened.add(context.buffer(Integer.BYTES), Buffer::close);
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
        codes = opened.add(new Room<>(context::buffer, Buffer::close), Room::close);
        scales = opened.add(new Room<>(context::buffer, Buffer::close), Room::close);
    }

    @Override
    public long quantise(PagedSlab source, MemorySegment host) {
        var form = CodedForm.of(source.slab());
        var int8 = room(form);
        try (var paged = paged(source)) {
            mover.quantise(paged, int8).close();
            queue.read(unscaled, 0, host.asSlice(0, Integer.BYTES)).close();
            queue.read(int8.codes(), 0, form.codes(host)).close();
            queue.read(int8.scales(), 0, form.scales(host)).close();
            queue.finish();
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
            queue.finish();
        }
    }

    private void takeUnscaled(PagedRows paged, CodedForm form, int count, MemorySegment host) {
        form.writeList(host, form.rowsWithoutScale(host, count));
        try (var list = context.buffer((long) count * Integer.BYTES);
                var rest = context.buffer((long) count * form.restBytes())) {
            queue.write(host.asSlice(form.listAt(), list.bytes()), list, 0).close();
            mover.takeUnscaled(paged, new UnscaledRows(count, list, rest)).close();
            queue.read(rest, 0, host.asSlice(form.restAt(count), rest.bytes())).close();
            queue.finish();
        }
    }

    @Override
    public void dequantise(MemorySegment host, PagedSlab target) {
        var form = CodedForm.of(target.slab());
        int[] unscaled = form.list(host);
        var int8 = room(form);
        try (var paged = paged(target)) {
            queue.write(form.codes(host), int8.codes(), 0).close();
            queue.write(form.scales(host), int8.scales(), 0).close();
            mover.dequantise(int8, paged).close();
            if (unscaled.length > 0) {
                placeUnscaled(paged, int8, form, host, unscaled);
            }
        } finally {
            queue.finish();
        }
    }

    private void placeUnscaled(
            PagedRows paged, Int8Rows int8, CodedForm form, MemorySegment host, int... rows) {
        int count = rows.length;
        try (var arena = Arena.ofConfined();
                var list = context.buffer((long) count * Integer.BYTES);
                var rest = context.buffer((long) count * form.restBytes())) {
            // What was checked, and not the form, which a peer might still write to.
            try {
                queue.write(arena.allocateFrom(JAVA_INT, rows), list, 0).close();
                queue.write(host.asSlice(form.restAt(count), rest.bytes()), rest, 0).close();
                mover.placeUnscaled(int8, new UnscaledRows(count, list, rest), paged).close();
            } finally {
                queue.finish();
            }
        }
    }

    private Int8Rows room(CodedForm form) {
        return new Int8Rows(
                codes.atLeast(form.codeBytes()),
                scales.atLeast(form.rows() * Float.BYTES),
                unscaled);
    }

    private PagedRows paged(PagedSlab slab) {
        var placement = slab.placement();
        var key = buffers.find(placement.key(), 0, placement.key().byteSize());
        // A latent has no values, whatever the placement names for them.
        boolean latent = slab.cache().form() == KvForm.LATENT;
        var values = latent ? placement.key() : placement.value();
        var value = buffers.find(values, 0, values.byteSize());
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
        opened.close();
    }
}
