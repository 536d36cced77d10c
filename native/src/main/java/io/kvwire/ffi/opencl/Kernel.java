package io.kvwire.ffi.opencl;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A kernel and its arguments, which stay as set until they are set anew; a launch takes them as
 * they are. Confined to one thread.
 */
public final class Kernel implements AutoCloseable {

    private final Device device;
    private final String name;
    private final MemorySegment handle;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment pointer = arena.allocate(ADDRESS);

    Kernel(Device device, String name, MemorySegment handle) {
        this.device = device;
        this.name = name;
        this.handle = handle;
    }

    MemorySegment handle() {
        return handle;
    }

    /** {@return the function's name} */
    public String name() {
        return name;
    }

    /**
     * Sets an argument that is a pointer to memory of the device.
     *
     * @param index from 0
     * @param buffer what it points to, from its start
     */
    public void argument(int index, Buffer buffer) {
        pointer.set(ADDRESS, 0, buffer.handle());
        argument(index, pointer);
    }

    /**
     * Sets an argument that is passed by value.
     *
     * @param index from 0
     * @param value its bytes, outside the heap; copied
     */
    public void argument(int index, MemorySegment value) {
        Calls.status(
                "clSetKernelArg " + index + " of " + name,
                () -> (int) Cl.SET_KERNEL_ARG.invokeExact(handle, index, value.byteSize(), value));
    }

    /**
     * Sets an argument that is a pointer to {@linkplain Context#sharedMemory shared memory}.
     *
     * @param index from 0
     * @param memory what it points to
     */
    public void sharedArgument(int index, MemorySegment memory) {
        device.sharedMemory().argument(index + " of " + name, handle, index, memory);
    }

    @Override
    public void close() {
        Calls.status("clReleaseKernel", () -> (int) Cl.RELEASE_KERNEL.invokeExact(handle));
        arena.close();
    }
}
