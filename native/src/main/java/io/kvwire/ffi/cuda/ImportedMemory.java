package io.kvwire.ffi.cuda;

import java.lang.foreign.Arena;
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

    static ImportedMemory open(Context context, IpcHandle handle) {
        context.enter();
        try (var arena = Arena.ofConfined()) {
            var struct = handle.struct(arena);
            long address =
                    Calls.number(
                            "cuIpcOpenMemHandle",
                            at ->
                                    (int)
                                            Cu.IPC_OPEN_MEM_HANDLE.invokeExact(
                                                    at,
                                                    struct,
                                                    Constants.CU_IPC_MEM_LAZY_ENABLE_PEER_ACCESS));
            return new ImportedMemory(context, address);
        }
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
