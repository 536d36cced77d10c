package io.kvwire.ffi.verbs;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.ffi.CStruct;

import java.lang.foreign.MemorySegment;

/**
 * A registered range of memory, which the device may reach.
 *
 * <p>Immutable and thread-safe up to its close, which must come after the last completion of any
 * request on it. The memory must outlive it.
 */
public final class MemoryRegion implements AutoCloseable {

    private final MemorySegment address;
    private final MemorySegment memory;
    private final long start;
    private final long bytes;
    private final int localKey;
    private final int remoteKey;
    private boolean closed;

    MemoryRegion(MemorySegment address, MemorySegment memory, long start, long bytes) {
        var struct = CStruct.at(address, IbvMr.LAYOUT);
        this.address = address;
        this.memory = memory;
        this.start = start;
        this.bytes = bytes;
        localKey = struct.get(JAVA_INT, IbvMr.LKEY);
        remoteKey = struct.get(JAVA_INT, IbvMr.RKEY);
    }

    /** {@return the memory that was registered; of no length where only its address was given} */
    public MemorySegment memory() {
        return memory;
    }

    /** {@return address of its first byte, as requests and peers name it} */
    public long start() {
        return start;
    }

    /** {@return its length in bytes} */
    public long bytes() {
        return bytes;
    }

    /** {@return the key that requests of this process carry} */
    public int localKey() {
        return localKey;
    }

    /** {@return the key that requests of peers carry} */
    public int remoteKey() {
        return remoteKey;
    }

    MemorySegment address() {
        return address;
    }

    /**
     * Takes the memory back from the device. A second call does nothing.
     *
     * @throws io.kvwire.transport.TransferException when a window is still bound to it
     */
    @Override
    public void close() {
        if (!closed) {
            Calls.status(
                    "ibv_dereg_mr",
                    "Close the windows that are bound to it first",
                    () -> (int) Ibv.DEREG_MR.invokeExact(address));
            closed = true;
        }
    }
}
