package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.cuda.DeviceBuffer;
import io.kvwire.ffi.cuda.Event;
import io.kvwire.ffi.cuda.Kernel;
import io.kvwire.ffi.cuda.PinnedBuffer;
import io.kvwire.ffi.cuda.Stream;
import io.kvwire.ffi.kernels.KvRows;
import io.kvwire.ffi.kernels.KvRuns;
import io.kvwire.pcie.lanes.Opened;

/**
 * The runs of one launch: filled by the host, brought to the device, read there by a kernel. Not to
 * be filled again before the {@link #free} event. Confined to one thread at a time.
 */
final class RunTable implements AutoCloseable {
    /** What one launch moves at most, unless its runs are long. */
    static final int MOST_RUNS = 1 << 15;

    private final Opened opened = new Opened();
    private final PinnedBuffer host;
    private final DeviceBuffer device;
    private final Event free;
    private int count;

    RunTable(Context context) {
        long bytes = MOST_RUNS * KvRuns.LAYOUT.byteSize();
        try {
            host = opened.add(context.allocatePinned(bytes), PinnedBuffer::close);
            device = opened.add(context.allocate(bytes), DeviceBuffer::close);
            free = opened.add(context.event(), Event::close);
        } catch (RuntimeException | Error e) {
            opened.close();
            throw e;
        }
    }

    /** Waits until nothing uses the table any more, and empties it. */
    void begin() {
        free.await();
        count = 0;
    }

    int count() {
        return count;
    }

    boolean isFull() {
        return count == MOST_RUNS;
    }

    void add(long memory, long dense, int bytes) {
        KvRuns.write(host.memory(), count++, memory, dense, bytes);
    }

    /**
     * Launches a kernel of {@code kv_runs.h} over the runs.
     *
     * @param kernel gathers or scatters
     * @param dense address that the runs' second place counts from
     * @param stream it runs on; the caller marks its end with {@link #freeAfter}
     */
    void launch(Kernel kernel, long dense, Stream stream) {
        var used = host.memory().asSlice(0, count * KvRuns.LAYOUT.byteSize());
        stream.copyToDevice(used, device.address());
        kernel.argument(0, device.address());
        // Runs have addresses rather than offsets: one launch reaches all allocations.
        kernel.argument(1, 0L);
        kernel.argument(2, dense);
        stream.launch(kernel, count, KvRows.THREADS_OF_GROUP);
    }

    /** Says that the table is free once a stream has come here. */
    void freeAfter(Stream stream) {
        stream.record(free);
    }

    @Override
    public void close() {
        opened.close();
    }
}
