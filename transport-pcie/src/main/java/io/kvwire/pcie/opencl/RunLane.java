package io.kvwire.pcie.opencl;

import io.kvwire.ffi.kernels.KernelSource;
import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.kernels.KvRuns;
import io.kvwire.ffi.opencl.Buffer;
import io.kvwire.ffi.opencl.Buffers;
import io.kvwire.ffi.opencl.CommandQueue;
import io.kvwire.ffi.opencl.Context;
import io.kvwire.ffi.opencl.Kernel;
import io.kvwire.ffi.opencl.Program;
import io.kvwire.pcie.lanes.Opened;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * One copy at a time between a device and the host: a queue, and the buffers through which short
 * runs go. Confined to one thread at a time.
 */
final class RunLane implements AutoCloseable {
    /** From here on a copy of its own costs less than a pass of the device over the bytes. */
    private static final long DIRECT_BYTES = 64 << 10;

    /** What one launch moves at most. */
    private static final long DENSE_BYTES = 4L << 20;

    private static final int MOST_RUNS = 4096;

    private final Opened opened = new Opened();
    private final CommandQueue queue;
    private final Kernel gather;
    private final Kernel scatter;
    private final Buffer dense;
    private final Buffer runs;
    private final MemorySegment table;

    // The batch of short runs at hand: they lie in one buffer, and side by side on the host.
    private Buffer memory;
    private int count;
    private long bytes;
    private long hostStart;

    RunLane(Context context, Program program) {
        try {
            var arena = opened.add(Arena.ofShared(), Arena::close);
            table = arena.allocate(KvRuns.LAYOUT, MOST_RUNS);
            queue = opened.add(context.queue(), CommandQueue::close);
            gather = opened.add(program.kernel("kv_gather_runs"), Kernel::close);
            scatter = opened.add(program.kernel("kv_scatter_runs"), Kernel::close);
            dense = opened.add(context.buffer(DENSE_BYTES), Buffer::close);
            runs = opened.add(context.buffer(table.byteSize()), Buffer::close);
            gather.argument(0, runs);
            gather.argument(2, dense);
            scatter.argument(0, runs);
            scatter.argument(2, dense);
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    static Program compile(Context context) {
        return context.program(KernelSource.openClRuns(), "-cl-std=CL1.2");
    }

    void zero(Buffer buffer) {
        queue.fill(buffer, (byte) 0).close();
        queue.finish();
    }

    void gather(Buffers buffers, RunCursor source, MemorySegment target) {
        move(buffers, source, target, true);
    }

    void scatter(Buffers buffers, MemorySegment source, RunCursor target) {
        move(buffers, target, source, false);
    }

    private void move(Buffers buffers, RunCursor cursor, MemorySegment host, boolean toHost) {
        begin(0);
        long at = 0;
        try {
            while (cursor.next()) {
                long length = cursor.length();
                var place = buffers.find(cursor.segment(), cursor.offset(), length);
                if (length >= DIRECT_BYTES) {
                    flush(host, toHost);
                    direct(place, host.asSlice(at, length), toHost);
                    begin(at + length);
                } else {
                    add(place, length, host, toHost);
                }
                at += length;
            }
            flush(host, toHost);
        } finally {
            // Also after an error, nothing goes on that touches the caller's memory.
            queue.finish();
        }
    }

    private void direct(Buffers.Place place, MemorySegment host, boolean toHost) {
        var event =
                toHost
                        ? queue.read(place.buffer(), place.offset(), host)
                        : queue.write(host, place.buffer(), place.offset());
        event.close();
    }

    private void begin(long at) {
        count = 0;
        bytes = 0;
        hostStart = at;
    }

    private void add(Buffers.Place place, long length, MemorySegment host, boolean toHost) {
        long done = 0;
        while (done < length) {
            if (count == MOST_RUNS || bytes == DENSE_BYTES || place.buffer() != memory) {
                flush(host, toHost);
                memory = place.buffer();
            }
            long most = Math.min(KvRuns.MOST_BYTES, DENSE_BYTES - bytes);
            int part = (int) Math.min(most, length - done);
            KvRuns.write(table, count++, place.offset() + done, bytes, part);
            bytes += part;
            done += part;
        }
    }

    private void flush(MemorySegment host, boolean toHost) {
        if (count > 0) {
            var kernel = toHost ? gather : scatter;
            var own = host.asSlice(hostStart, bytes);
            var used = table.asSlice(0, count * KvRuns.LAYOUT.byteSize());
            kernel.argument(1, memory);
            queue.write(used, runs, 0).close();
            if (!toHost) {
                queue.write(own, dense, 0).close();
            }
            queue.launch(kernel, count, KvRows.THREADS_OF_GROUP).close();
            if (toHost) {
                queue.read(dense, 0, own).close();
            }
            // The next batch is written over this one's table.
            queue.finish();
        }
        begin(hostStart + bytes);
    }

    @Override
    public void close() {
        opened.close();
    }
}
