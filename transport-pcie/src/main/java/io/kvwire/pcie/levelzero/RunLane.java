package io.kvwire.pcie.levelzero;

import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.kernels.KvRuns;
import io.kvwire.ffi.levelzero.Context;
import io.kvwire.ffi.levelzero.DeviceModule;
import io.kvwire.ffi.levelzero.ImmediateList;
import io.kvwire.ffi.levelzero.Kernel;
import io.kvwire.pcie.lanes.Opened;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;

/**
 * One copy at a time between a device and the host: an immediate list, and memory of the host that
 * the device reaches, through which all bytes go. Short runs are put side by side there by one
 * launch for thousands of them, long ones by a copy each. Confined to one thread at a time.
 */
final class RunLane implements AutoCloseable {
    /** From here on a copy of its own costs less than a pass of the device over the bytes. */
    private static final long DIRECT_BYTES = 64 << 10;

    /** What goes through at a time. */
    private static final long DENSE_BYTES = 4L << 20;

    private static final int MOST_RUNS = 4096;
    private static final long ALIGNMENT = 4096;

    private final Opened opened = new Opened();
    private final ImmediateList list;
    private final Kernel gather;
    private final Kernel scatter;
    private final MemorySegment dense;
    private final MemorySegment table;

    // The batch at hand: short runs, of one allocation, and the bytes that are in dense memory.
    private MemorySegment memory = MemorySegment.NULL;
    private int count;
    private long bytes;
    private long hostStart;

    RunLane(Context context, DeviceModule module) {
        try {
            list = opened.add(context.list(), ImmediateList::close);
            gather = opened.add(kernel(module, "kv_gather_runs"), Kernel::close);
            scatter = opened.add(kernel(module, "kv_scatter_runs"), Kernel::close);
            dense = opened.add(context.allocateHost(DENSE_BYTES, ALIGNMENT), context::free);
            long tableBytes = MOST_RUNS * KvRuns.LAYOUT.byteSize();
            table = opened.add(context.allocateHost(tableBytes, ALIGNMENT), context::free);
            for (var kernel : new Kernel[] {gather, scatter}) {
                kernel.pointer(0, table);
                kernel.pointer(2, dense);
            }
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    private static Kernel kernel(DeviceModule module, String name) {
        return module.kernel(name, KvRows.THREADS_OF_GROUP);
    }

    void zero(MemorySegment allocation) {
        list.fill(allocation, (byte) 0);
    }

    void gather(Allocations allocations, RunCursor source, MemorySegment target) {
        begin(0);
        while (source.next()) {
            long length = source.length();
            var place = allocations.find(source.segment(), source.offset(), length);
            for (long done = 0; done < length; ) {
                if (bytes == DENSE_BYTES) {
                    bringOut(target);
                }
                long part = Math.min(length - done, DENSE_BYTES - bytes);
                var there = new Allocations.Place(place.allocation(), place.offset() + done);
                if (part >= DIRECT_BYTES) {
                    list.copy(there.part(part), dense.asSlice(bytes, part));
                    bytes += part;
                } else {
                    add(there, part, gather);
                }
                done += part;
            }
        }
        bringOut(target);
    }

    private void bringOut(MemorySegment target) {
        launch(gather);
        MemorySegment.copy(dense, 0, target, hostStart, bytes);
        begin(hostStart + bytes);
    }

    void scatter(Allocations allocations, MemorySegment source, RunCursor target) {
        begin(0);
        while (target.next()) {
            long length = target.length();
            var place = allocations.find(target.segment(), target.offset(), length);
            for (long done = 0; done < length; ) {
                if (bytes == DENSE_BYTES) {
                    launch(scatter);
                    begin(hostStart + bytes);
                }
                long part = Math.min(length - done, DENSE_BYTES - bytes);
                MemorySegment.copy(source, hostStart + bytes, dense, bytes, part);
                var there = new Allocations.Place(place.allocation(), place.offset() + done);
                if (part >= DIRECT_BYTES) {
                    list.copy(dense.asSlice(bytes, part), there.part(part));
                    bytes += part;
                } else {
                    add(there, part, scatter);
                }
                done += part;
            }
        }
        launch(scatter);
    }

    private void begin(long at) {
        count = 0;
        bytes = 0;
        hostStart = at;
    }

    private void add(Allocations.Place place, long length, Kernel kernel) {
        for (long done = 0; done < length; ) {
            if (count == MOST_RUNS || !place.allocation().equals(memory)) {
                launch(kernel);
                memory = place.allocation();
            }
            int part = (int) Math.min(KvRuns.MOST_BYTES, length - done);
            KvRuns.write(table, count++, place.offset() + done, bytes, part);
            bytes += part;
            done += part;
        }
    }

    /** Moves the short runs of the batch; they are moved when this returns. */
    private void launch(Kernel kernel) {
        if (count > 0) {
            kernel.pointer(1, memory);
            list.launch(kernel, count);
            count = 0;
        }
    }

    @Override
    public void close() {
        opened.close();
    }
}
