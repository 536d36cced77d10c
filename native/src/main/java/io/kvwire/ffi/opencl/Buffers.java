package io.kvwire.ffi.opencl;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.kvwire.ffi.CStruct;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Buffers of one context as segments: OpenCL's buffers have no addresses, so each gets a range of
 * numbers that no memory of a process can have, with which other code names it and parts of it.
 *
 * <p>Owns the buffers. Thread-safe. Using a segment as memory of the host ends the process, as any
 * wild pointer does: it is for those who hand it back here.
 */
public final class Buffers implements AutoCloseable {
    /**
     * The first such number. x86-64 and AArch64 processes have their memory below 2^57 and 2^52,
     * kernels above 2^63.
     */
    private static final long FIRST = 1L << 61;

    /** Ranges lie apart, so that running over the end of one does not lead into the next. */
    private static final long APART = 1L << 21;

    /** Ranges of all contexts of the process, so that none is taken for another. */
    private static final AtomicLong NEXT = new AtomicLong(FIRST);

    private final Context context;
    private final ConcurrentSkipListMap<Long, Buffer> buffers = new ConcurrentSkipListMap<>();

    /**
     * Where a range lies.
     *
     * @param buffer that it is part of
     * @param offset of its start in there, in bytes
     */
    public record Place(Buffer buffer, long offset) {}

    /**
     * Makes the record of a context's buffers.
     *
     * @param context stays open until this is closed
     */
    public Buffers(Context context) {
        this.context = context;
    }

    /**
     * Allocates a buffer.
     *
     * @param bytes at least 1
     * @return the segment that stands for it
     * @throws TransferException with {@link ErrorCode#RESOURCE_EXHAUSTED} when there is too little
     */
    public MemorySegment allocate(long bytes) {
        if (bytes < 1 || bytes > context.device().largestBufferBytes()) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    context.device().name()
                            + " has no buffers of "
                            + bytes
                            + " bytes; the largest is "
                            + context.device().largestBufferBytes());
        }
        var buffer = context.buffer(bytes);
        long room = (bytes + 2 * APART - 1) / APART * APART;
        long address = NEXT.getAndAdd(room);
        buffers.put(address, buffer);
        return CStruct.at(
                MemorySegment.ofAddress(address), MemoryLayout.sequenceLayout(bytes, JAVA_BYTE));
    }

    /**
     * Frees a buffer.
     *
     * @param segment what {@link #allocate} gave; no command uses it any more
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when it is no such segment
     */
    public void free(MemorySegment segment) {
        var buffer = buffers.remove(segment.address());
        if (buffer == null) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE, "memory that was not allocated here, or freed before");
        }
        buffer.close();
    }

    /**
     * Finds a range.
     *
     * @param segment one of these, or a part of one
     * @param offset in the segment, in bytes
     * @param bytes from there on
     * @return where it lies
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when it is not all inside one
     *     buffer
     */
    public Place find(MemorySegment segment, long offset, long bytes) {
        long from = segment.address() + offset;
        var entry = buffers.floorEntry(from);
        boolean inside =
                entry != null
                        && offset >= 0
                        && bytes >= 0
                        && bytes <= entry.getValue().bytes() - (from - entry.getKey());
        if (!inside) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    bytes
                            + " bytes at "
                            + offset
                            + " of a segment are not memory of "
                            + context.device().name());
        }
        return new Place(entry.getValue(), from - entry.getKey());
    }

    /** Frees all that are left. */
    @Override
    public void close() {
        buffers.values().forEach(Buffer::close);
        buffers.clear();
    }
}
