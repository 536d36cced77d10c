package io.kvwire.ffi.opencl;

import java.lang.foreign.MemorySegment;

/**
 * Memory of a device. The driver keeps it after {@link #close} until the commands that use it are
 * done.
 */
public final class Buffer implements AutoCloseable {

    private final MemorySegment handle;
    private final long bytes;

    Buffer(MemorySegment handle, long bytes) {
        this.handle = handle;
        this.bytes = bytes;
    }

    MemorySegment handle() {
        return handle;
    }

    /** {@return the size in bytes} */
    public long bytes() {
        return bytes;
    }

    @Override
    public void close() {
        Calls.status("clReleaseMemObject", () -> (int) Cl.RELEASE_MEM_OBJECT.invokeExact(handle));
    }
}
