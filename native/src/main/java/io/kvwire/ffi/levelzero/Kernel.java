package io.kvwire.ffi.levelzero;

import static java.lang.foreign.ValueLayout.ADDRESS;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A kernel and its arguments, which stay as set until they are set anew; a launch takes them as
 * they are. Confined to one thread.
 */
public final class Kernel implements AutoCloseable {
    private final Functions ze;
    private final String name;
    private final MemorySegment handle;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment pointer = arena.allocate(ADDRESS);

    Kernel(Functions ze, String name, MemorySegment handle) {
        this.ze = ze;
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

    void groupSize(int threads) {
        Functions.check(
                "zeKernelSetGroupSize of " + name + ", " + threads,
                () -> (int) ze.setGroupSize.invokeExact(handle, threads, 1, 1));
    }

    /**
     * Sets an argument that is a pointer.
     *
     * @param index from 0
     * @param memory what it points to, of the device or pinned
     */
    public void pointer(int index, MemorySegment memory) {
        pointer.set(ADDRESS, 0, memory);
        argument(index, pointer);
    }

    /**
     * Sets an argument that is passed by value.
     *
     * @param index from 0
     * @param value its bytes, outside the heap; copied
     */
    public void argument(int index, MemorySegment value) {
        Functions.check(
                "zeKernelSetArgumentValue " + index + " of " + name,
                () -> (int) ze.setArgument.invokeExact(handle, index, value.byteSize(), value));
    }

    @Override
    public void close() {
        Functions.check("zeKernelDestroy", () -> (int) ze.kernelDestroy.invokeExact(handle));
        arena.close();
    }
}
