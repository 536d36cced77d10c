package io.kvwire.transport.spi;

import java.lang.foreign.MemorySegment;

/**
 * Memory of one kind of device. Host memory needs none of this; a device whose memory the host
 * cannot address is reached by copies to and from host staging, which its {@code DeviceMemory}
 * carries out.
 *
 * <p>Segments of device memory hold device addresses: they are never dereferenced by the host. An
 * instance is confined to one thread unless it says otherwise.
 */
public interface DeviceMemory extends AutoCloseable {
    /** {@return the device, as people name it: {@code cpu}, {@code cuda:0}, {@code xpu:0}} */
    String device();

    /** {@return whether the host may read and write segments of this memory directly} */
    boolean hostAccessible();

    /**
     * Allocates memory that lives until {@link #free}.
     *
     * @param bytes at least 1
     * @param alignment a power of two
     * @return the memory
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#RESOURCE_EXHAUSTED} when the device has too little
     */
    MemorySegment allocate(long bytes, long alignment);

    /**
     * Frees what {@link #allocate} gave.
     *
     * @param memory not used by any transfer any more
     */
    void free(MemorySegment memory);

    /**
     * Copies runs of device memory to host memory, one after the other, and returns when they are
     * there.
     *
     * @param source runs in device memory
     * @param target host memory, at least as long as the runs together
     */
    void gather(RunCursor source, MemorySegment target);

    /**
     * Copies host memory to runs of device memory and returns when it is there.
     *
     * @param source host memory, at least as long as the runs together
     * @param target runs in device memory
     */
    void scatter(MemorySegment source, RunCursor target);

    /** Frees everything that was allocated. */
    @Override
    void close();
}
