package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.Context;
import io.kvwire.ffi.linux.Descriptors;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DmaBuf;
import io.kvwire.transport.spi.NicAccess;

import java.lang.foreign.MemorySegment;

/**
 * How NICs reach memory of a GPU (GPUDirect RDMA): through a dma-buf where device and driver can,
 * else through peer memory (nvidia-peermem). Thread-safe.
 */
final class CudaNicAccess implements NicAccess {
    private static final long PAGE_BYTES = 4096;

    private final Context context;
    private final KnownRanges known;
    private final boolean flushes;
    private final boolean ordered;

    CudaNicAccess(Context context, KnownRanges known) {
        this.context = context;
        this.known = known;
        ordered = context.device().ordersRdmaWrites();
        flushes = context.device().flushesRdmaWrites();
    }

    @Override
    public DmaBuf dmaBuf(MemorySegment memory) {
        requireVisibleWrites();
        if (!context.device().dmaBuf()) {
            throw unavailable("the device or its driver has none");
        }
        long address = known.find(memory, 0, memory.byteSize());
        long start = address & -PAGE_BYTES;
        long end = (address + memory.byteSize() + PAGE_BYTES - 1) & -PAGE_BYTES;
        int descriptor = context.dmaBuf(start, end - start);
        return new DmaBuf(descriptor, address - start, () -> Descriptors.close(descriptor));
    }

    @Override
    public void preparePeerMemory(MemorySegment memory) {
        requireVisibleWrites();
        context.synchroniseCopies(known.find(memory, 0, memory.byteSize()));
    }

    @Override
    public String peerMemoryAdvice() {
        return "load nvidia-peermem";
    }

    /** What a NIC writes must be made visible by somebody. */
    private void requireVisibleWrites() {
        if (!ordered && !flushes) {
            throw unavailable(
                    "the device neither keeps writes of NICs in order nor can be told to flush"
                            + " them");
        }
    }

    private static TransferException unavailable(String why) {
        return new TransferException(ErrorCode.PATH_UNAVAILABLE, why);
    }

    @Override
    public void settle() {
        if (!ordered) {
            context.flushRdmaWrites();
        }
    }
}
