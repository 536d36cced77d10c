package io.kvwire.ffi.cuda;

import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Memory of another process, opened here. Close it when the device is done with it, and before its
 * owner frees it: the owner's memory stays until then. Thread-safe.
 */
public final class ImportedMemory implements AutoCloseable {
    private final Context context;
    private final long address;
    private final AtomicBoolean open = new AtomicBoolean(true);

    ImportedMemory(Context context, long address) {
        this.context = context;
        this.address = address;
    }

    /** {@return the address here of the start of the owner's allocation} */
    public long address() {
        return address;
    }

    @Override
    public void close() {
        if (open.compareAndSet(true, false)) {
            context.enter();
            Calls.status(
                    "cuIpcCloseMemHandle",
                    () -> (int) Cu.IPC_CLOSE_MEM_HANDLE.invokeExact(address));
        }
    }
}
