package io.kvwire.pcie.cuda;

import io.kvwire.ffi.linux.Descriptors;
import io.kvwire.ffi.verbs.MemoryRegion;
import io.kvwire.ffi.verbs.ProtectionDomain;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;

/**
 * Registers device memory with a NIC, which then reads and writes it without the host: through a
 * dma-buf where device, driver and kernel can, else through peer memory (nvidia-peermem).
 * Stateless.
 */
public final class RdmaRegistration {
    private static final long PAGE_BYTES = 4096;

    private RdmaRegistration() {}

    /**
     * How memory was registered.
     *
     * @param region of the NIC; the caller closes it before the memory is freed
     * @param way {@code dma-buf} or {@code peer memory}
     */
    public record Registered(MemoryRegion region, String way) {}

    /**
     * Registers a segment.
     *
     * @param domain of the NIC
     * @param memory that knows the segment
     * @param segment of the device
     * @param access bits of {@link io.kvwire.ffi.verbs.AccessFlags}
     * @return the region, whose addresses are the device's
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when neither way works, and
     *     why each did not
     */
    public static Registered register(
            ProtectionDomain domain, CudaMemory memory, MemorySegment segment, int access) {
        long address = memory.address(segment, 0, segment.byteSize());
        long bytes = segment.byteSize();
        var reasons = new ArrayList<String>();
        if (memory.context().device().dmaBuf()) {
            try {
                return new Registered(dmaBuf(domain, memory, address, bytes, access), "dma-buf");
            } catch (TransferException e) {
                reasons.add("dma-buf: " + e.getMessage());
            }
        } else {
            reasons.add("dma-buf: the device or its driver has none");
        }
        try {
            memory.context().synchroniseCopies(address);
            return new Registered(domain.registerAddress(address, bytes, access), "peer memory");
        } catch (TransferException e) {
            reasons.add("peer memory: " + e.getMessage() + " (load nvidia-peermem)");
        }
        throw new TransferException(
                ErrorCode.PATH_UNAVAILABLE,
                "the NIC cannot use memory of "
                        + memory.device()
                        + ": "
                        + String.join("; ", reasons)
                        + ". It goes through the host instead");
    }

    private static MemoryRegion dmaBuf(
            ProtectionDomain domain, CudaMemory memory, long address, long bytes, int access) {
        long start = address & -PAGE_BYTES;
        long end = (address + bytes + PAGE_BYTES - 1) & -PAGE_BYTES;
        int descriptor = memory.context().dmaBuf(start, end - start);
        try {
            return domain.registerDmaBuf(descriptor, address - start, bytes, address, access);
        } finally {
            // The registration holds the memory from here on.
            Descriptors.close(descriptor);
        }
    }
}
