package io.kvwire.ffi.cuda;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Page-locked memory of the host, which devices copy from and to without a stop between.
 * Thread-safe.
 */
public final class PinnedBuffer implements AutoCloseable {
    private final Context context;
    private final MemorySegment memory;
    private final AtomicBoolean open = new AtomicBoolean(true);

    PinnedBuffer(Context context, MemorySegment memory) {
        this.context = context;
        this.memory = memory;
    }

    /** {@return the memory; not to be touched after {@link #close}} */
    public MemorySegment memory() {
        return memory;
    }

    /** Frees the memory, which no copy may use any more. */
    @Override
    public void close() {
        if (open.compareAndSet(true, false)) {
            context.enter();
            Calls.status("cuMemFreeHost", () -> (int) Cu.MEM_FREE_HOST.invokeExact(memory));
        }
    }
}
