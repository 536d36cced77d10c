package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.DeviceBuffer;
import io.kvwire.ffi.cuda.Event;
import io.kvwire.ffi.cuda.Kernel;
import io.kvwire.ffi.cuda.KernelModule;
import io.kvwire.ffi.cuda.Stream;
import io.kvwire.ffi.kernels.KvRuns;
import io.kvwire.pcie.lanes.Opened;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;

/**
 * One copy at a time between a device and the host: two streams, so that the bytes of one batch
 * cross the bus while a kernel gathers those of the next. Confined to one thread at a time.
 */
final class CudaLane implements AutoCloseable {
    /** From here on a copy of its own costs less than a pass of the device over the bytes. */
    private static final long DIRECT_BYTES = 1L << 20;

    /** What crosses the bus at a time. */
    private static final long DENSE_BYTES = 8L << 20;

    private final Opened opened = new Opened();
    private final Stream kernels;
    private final Stream copies;
    private final Kernel gather;
    private final Kernel scatter;
    private final Slot[] slots;
    private int turn;

    // The batch at hand: its bytes lie side by side on the host.
    private Slot slot;
    private long bytes;
    private long hostStart;

    /** Half of the double buffer. */
    private static final class Slot {
        final RunTable table;
        final DeviceBuffer dense;
        final Event filled;

        Slot(Context context, Opened opened) {
            table = opened.add(new RunTable(context), RunTable::close);
            dense = opened.add(context.allocate(DENSE_BYTES), DeviceBuffer::close);
            filled = opened.add(context.event(), Event::close);
        }
    }

    CudaLane(Context context, KernelModule module) {
        try {
            gather = opened.add(module.kernel("kv_gather_runs"), Kernel::close);
            scatter = opened.add(module.kernel("kv_scatter_runs"), Kernel::close);
            kernels = opened.add(context.urgentStream(), Stream::close);
            copies = opened.add(context.urgentStream(), Stream::close);
            slots = new Slot[] {new Slot(context, opened), new Slot(context, opened)};
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
        slot = slots[0];
    }

    void zero(long address, long length) {
        kernels.fill(address, (byte) 0, length);
        kernels.synchronize();
    }

    void gather(KnownRanges known, RunCursor source, MemorySegment target) {
        move(known, source, target, true);
    }

    void scatter(KnownRanges known, MemorySegment source, RunCursor target) {
        move(known, target, source, false);
    }

    private void move(KnownRanges known, RunCursor cursor, MemorySegment host, boolean toHost) {
        begin(0);
        long at = 0;
        try {
            while (cursor.next()) {
                long length = cursor.length();
                long address = known.find(cursor.segment(), cursor.offset(), length);
                if (length >= DIRECT_BYTES) {
                    flush(host, toHost);
                    direct(address, host.asSlice(at, length), toHost);
                    begin(at + length);
                } else {
                    add(address, length, host, toHost);
                }
                at += length;
            }
            flush(host, toHost);
        } finally {
            // Also after an error, nothing goes on that touches the caller's memory.
            finish();
        }
    }

    private void finish() {
        try {
            copies.synchronize();
        } finally {
            kernels.synchronize();
        }
    }

    private void direct(long address, MemorySegment host, boolean toHost) {
        if (toHost) {
            copies.copyToHost(address, host);
        } else {
            copies.copyToDevice(host, address);
        }
    }

    private void begin(long at) {
        bytes = 0;
        hostStart = at;
        slot = slots[turn];
        slot.table.begin();
    }

    private void add(long address, long length, MemorySegment host, boolean toHost) {
        long done = 0;
        while (done < length) {
            if (slot.table.isFull() || bytes == DENSE_BYTES) {
                flush(host, toHost);
            }
            long most = Math.min(KvRuns.MOST_BYTES, DENSE_BYTES - bytes);
            int part = (int) Math.min(most, length - done);
            slot.table.add(address + done, bytes, part);
            bytes += part;
            done += part;
        }
    }

    /** Gives the batch to the device and takes the other slot. */
    private void flush(MemorySegment host, boolean toHost) {
        if (slot.table.count() == 0) {
            return;
        }
        var own = host.asSlice(hostStart, bytes);
        if (toHost) {
            slot.table.launch(gather, slot.dense.address(), kernels);
            kernels.record(slot.filled);
            copies.waitFor(slot.filled);
            copies.copyToHost(slot.dense.address(), own);
            slot.table.freeAfter(copies);
        } else {
            copies.copyToDevice(own, slot.dense.address());
            copies.record(slot.filled);
            kernels.waitFor(slot.filled);
            slot.table.launch(scatter, slot.dense.address(), kernels);
            slot.table.freeAfter(kernels);
        }
        turn = 1 - turn;
        begin(hostStart + bytes);
    }

    @Override
    public void close() {
        opened.close();
    }
}
