package io.kvwire.ffi.cuda;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Memory of a device. Closing it waits until the device is done with all that it was given before,
 * so close it where nothing is waiting for time. Thread-safe.
 */
public final class DeviceBuffer implements AutoCloseable {
    private final Context context;
    private final long address;
    private final long bytes;
    private final AtomicBoolean open = new AtomicBoolean(true);

    DeviceBuffer(Context context, long address, long bytes) {
        this.context = context;
        this.address = address;
        this.bytes = bytes;
    }

    /** {@return the device's address} */
    public long address() {
        return address;
    }

    /** {@return the size in bytes} */
    public long bytes() {
        return bytes;
    }

    /** {@return the addresses} */
    public AddressRange range() {
        return new AddressRange(address, bytes);
    }

    /**
     * {@return a segment that stands for this memory; the host must not read or write it, and
     * nothing keeps the memory alive}
     */
    public MemorySegment segment() {
        return Context.segmentAt(address, bytes);
    }

    @Override
    public void close() {
        if (open.compareAndSet(true, false)) {
            context.enter();
            Calls.status("cuMemFree", () -> (int) Cu.MEM_FREE.invokeExact(address));
        }
    }
}
