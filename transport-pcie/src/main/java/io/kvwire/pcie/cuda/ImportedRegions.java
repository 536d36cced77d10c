package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.CudaLibrary;
import io.kvwire.ffi.cuda.ImportedMemory;
import io.kvwire.ffi.cuda.IpcHandle;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;

/**
 * Memory of other processes on this device. An allocation is opened once however many of its ranges
 * are asked for, and closed when the last of them is: opening takes the driver milliseconds, and
 * closing waits for the device.
 *
 * <p>Thread-safe. Closed before the memory that it was made for, and before the owners free theirs.
 */
public final class ImportedRegions implements AutoCloseable {
    private final CudaMemory memory;
    private final Map<IpcHandle, Allocation> open = new HashMap<>();

    /** An allocation of another process. */
    private static final class Allocation {
        final ImportedMemory imported;
        final MemorySegment segment;
        int users;

        Allocation(ImportedMemory imported, MemorySegment segment) {
            this.imported = imported;
            this.segment = segment;
        }
    }

    /**
     * Makes the record of what is open.
     *
     * @param memory of the device
     */
    public ImportedRegions(CudaMemory memory) {
        this.memory = memory;
    }

    /**
     * Opens a range of another process's memory.
     *
     * @param region that the other process sent; to be trusted as its sender is: what it says of
     *     the allocation's size is compared with what the driver says
     * @return the segment, which {@link CudaMemory} knows until {@link #close(ExportedRegion)}
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when it is of a device that
     *     this one does not reach, {@link ErrorCode#MALFORMED} when the sizes differ
     */
    public synchronized MemorySegment open(ExportedRegion region) {
        requireReach(region.deviceUuid());
        var allocation = open.get(region.handle());
        if (allocation == null) {
            allocation = open(region.handle(), region.allocationBytes());
            open.put(region.handle(), allocation);
        }
        if (region.allocationBytes() != allocation.segment.byteSize()) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "the peer's allocation has two sizes, "
                            + region.allocationBytes()
                            + " and "
                            + allocation.segment.byteSize());
        }
        allocation.users++;
        return allocation.segment.asSlice(region.offset(), region.bytes());
    }

    /** The device itself, or one that it can read and write. */
    private void requireReach(String uuid) {
        var here = memory.context().device();
        if (uuid.equals(here.uuid())) {
            return;
        }
        var owner =
                CudaLibrary.devices().stream().filter(each -> each.uuid().equals(uuid)).findFirst();
        if (owner.isEmpty() || !here.reaches(owner.get())) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "the peer's memory is of device "
                            + uuid
                            + ", which this one, "
                            + here.uuid()
                            + (owner.isEmpty()
                                    ? ", does not see (CUDA_VISIBLE_DEVICES)"
                                    : ", cannot reach (no peer access)"));
        }
    }

    private Allocation open(IpcHandle handle, long bytes) {
        var imported = memory.context().open(handle);
        try {
            var range = memory.context().rangeOf(imported.address());
            if (range.bytes() < bytes) {
                throw new TransferException(
                        ErrorCode.MALFORMED,
                        "the peer's allocation has " + range.bytes() + " bytes, it said " + bytes);
            }
            return new Allocation(imported, memory.take(imported.address(), bytes));
        } catch (RuntimeException | Error e) {
            imported.close();
            throw e;
        }
    }

    /**
     * Ends one {@link #open}; no copy may use the segment any more.
     *
     * @param region the same
     * @throws TransferException with {@link ErrorCode#CLOSED} when it is not open
     */
    public synchronized void close(ExportedRegion region) {
        var allocation = open.get(region.handle());
        if (allocation == null) {
            throw new TransferException(ErrorCode.CLOSED, "the peer's memory is not open");
        }
        if (--allocation.users == 0) {
            open.remove(region.handle());
            close(allocation);
        }
    }

    private void close(Allocation allocation) {
        memory.release(allocation.segment);
        allocation.imported.close();
    }

    /** Closes what is left. */
    @Override
    public synchronized void close() {
        open.values().forEach(this::close);
        open.clear();
    }
}
