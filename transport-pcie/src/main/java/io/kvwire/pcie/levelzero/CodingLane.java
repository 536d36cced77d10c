package io.kvwire.pcie.levelzero;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.levelzero.Context;
import io.kvwire.ffi.levelzero.DeviceModule;
import io.kvwire.ffi.levelzero.ImmediateList;
import io.kvwire.ffi.levelzero.Kernel;
import io.kvwire.pcie.lanes.Opened;
import io.kvwire.pcie.lanes.Room;
import io.kvwire.pcie.lanes.RowCoder;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvForm;
import io.kvwire.transport.LayerPlacement;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.CodedForm;
import io.kvwire.transport.spi.PagedSlab;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One slab's coding at a time: an immediate list, the kernels, and memory of the host that the
 * device reaches, for the codes.
 */
final class CodingLane implements RowCoder {
    private static final long ALIGNMENT = 4096;

    private final Context context;
    private final Allocations allocations;
    private final Opened opened = new Opened();
    private final ImmediateList list;
    private final Kernel quantise;
    private final Kernel dequantise;
    private final Kernel takeUnscaled;
    private final Kernel placeUnscaled;
    private final MemorySegment struct;

    /** On the device: kernels count in there, which not every device can in memory of the host. */
    private final MemorySegment counter;

    private final Room<MemorySegment> count;
    private final Room<MemorySegment> table;
    private final Room<MemorySegment> codes;
    private final Room<MemorySegment> scales;
    private final Room<MemorySegment> rows;
    private final Room<MemorySegment> rests;

    CodingLane(Context context, DeviceModule module, Allocations allocations) {
        this.context = context;
        this.allocations = allocations;
        try {
            list = opened.add(context.list(), ImmediateList::close);
            quantise = kernel(module, "kv_quantise_gather");
            dequantise = kernel(module, "kv_dequantise_scatter");
            takeUnscaled = kernel(module, "kv_take_unscaled");
            placeUnscaled = kernel(module, "kv_place_unscaled");
            counter = opened.add(context.allocate(Integer.BYTES, ALIGNMENT), context::free);
            var arena = opened.add(Arena.ofShared(), Arena::close);
            struct = arena.allocate(KvRows.LAYOUT);
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
        count = room();
        table = room();
        codes = room();
        scales = room();
        rows = room();
        rests = room();
    }

    private Kernel kernel(DeviceModule module, String name) {
        return opened.add(module.kernel(name, KvRows.THREADS_OF_GROUP), Kernel::close);
    }

    private Room<MemorySegment> room() {
        var room =
                new Room<MemorySegment>(
                        bytes -> context.allocateHost(bytes, ALIGNMENT), context::free);
        return opened.add(room, Room::close);
    }

    private static MemorySegment part(Room<MemorySegment> room, long bytes) {
        return room.atLeast(Math.max(bytes, ALIGNMENT)).asSlice(0, bytes);
    }

    @Override
    public long quantise(PagedSlab source, MemorySegment host) {
        var form = CodedForm.of(source.slab());
        var made = part(codes, form.codeBytes());
        var sized = part(scales, form.rows() * Float.BYTES);
        var places = start(quantise, source);
        quantise.pointer(4, made);
        quantise.pointer(5, sized);
        quantise.pointer(6, counter);
        list.fill(counter, (byte) 0);
        list.launch(quantise, places.groups());
        var counted = part(count, Integer.BYTES);
        list.copy(counter, counted);
        int unscaled = counted.get(JAVA_INT, 0);
        form.codes(host).copyFrom(made);
        form.scales(host).copyFrom(sized);
        form.writeHeader(host, unscaled);
        if (form.bytes(unscaled) > host.byteSize()) {
            return 0;
        }
        if (unscaled > 0) {
            int[] numbers = form.rowsWithoutScale(host, unscaled);
            form.writeList(host, numbers);
            var rest = part(rests, (long) unscaled * form.restBytes());
            start(takeUnscaled, source);
            takeUnscaled.pointer(4, numbers(numbers));
            takeUnscaled.pointer(5, rest);
            list.launch(takeUnscaled, unscaled);
            host.asSlice(form.restAt(unscaled), rest.byteSize()).copyFrom(rest);
        }
        return form.bytes(unscaled);
    }

    @Override
    public void dequantise(MemorySegment host, PagedSlab target) {
        var form = CodedForm.of(target.slab());
        int[] unscaled = form.list(host);
        var given = part(codes, form.codeBytes()).copyFrom(form.codes(host));
        var sized = part(scales, form.rows() * Float.BYTES).copyFrom(form.scales(host));
        var places = start(dequantise, target);
        dequantise.pointer(4, given);
        dequantise.pointer(5, sized);
        list.launch(dequantise, places.groups());
        if (unscaled.length > 0) {
            long restBytes = (long) unscaled.length * form.restBytes();
            var rest = part(rests, restBytes);
            rest.copyFrom(host.asSlice(form.restAt(unscaled.length), restBytes));
            start(placeUnscaled, target);
            placeUnscaled.pointer(4, numbers(unscaled));
            placeUnscaled.pointer(5, given);
            placeUnscaled.pointer(6, rest);
            list.launch(placeUnscaled, unscaled.length);
        }
    }

    /** Row numbers where the device reaches them. */
    private MemorySegment numbers(int... numbers) {
        return part(rows, (long) numbers.length * Integer.BYTES)
                .copyFrom(MemorySegment.ofArray(numbers));
    }

    /** Sets the arguments that say where rows lie, after checking where the table leads. */
    private KvRows start(Kernel kernel, PagedSlab slab) {
        var placement = slab.placement();
        boolean latent = slab.cache().form() == KvForm.LATENT;
        // A latent has no values, whatever the placement names for them.
        var values = latent ? placement.key() : placement.value();
        var key = allocations.find(placement.key(), 0, placement.key().byteSize());
        var value = allocations.find(values, 0, values.byteSize());
        var inAllocations =
                new LayerPlacement(
                        key.allocation(),
                        placement.keyOffset() + key.offset(),
                        value.allocation(),
                        placement.valueOffset() + value.offset(),
                        placement.blockStride());
        var places = new KvRows(slab.slab(), slab.cache(), inAllocations);
        if (!places.isQuantisable()) {
            throw new TransferException(
                    ErrorCode.INCOMPATIBLE_LAYOUT,
                    "rows of " + slab.cache().dtype() + " have no INT8 codes");
        }
        places.requireInside(
                slab.table(), key.allocation().byteSize(), value.allocation().byteSize());
        places.write(struct);
        kernel.argument(0, struct);
        kernel.pointer(1, key.allocation());
        kernel.pointer(2, value.allocation());
        kernel.pointer(
                3,
                part(table, (long) slab.table().length * Integer.BYTES)
                        .copyFrom(MemorySegment.ofArray(slab.table())));
        return places;
    }

    @Override
    public void close() {
        opened.close();
    }
}
