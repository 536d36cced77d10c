package io.kvwire.ffi.cuda;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.Arena;

/** Descriptors by which other drivers find a device's memory. Stateless. */
final class DmaBuf {
    private static final long[] FLAGS = {Constants.CU_MEM_RANGE_FLAG_DMA_BUF_MAPPING_TYPE_PCIE, 0};

    private DmaBuf() {}

    static int export(Context context, long address, long bytes) {
        var export =
                Cu.MEM_GET_HANDLE_FOR_ADDRESS_RANGE.orElseThrow(() ->
                        new TransferException(
                                ErrorCode.PATH_UNAVAILABLE,
                                "this driver exports no dma-buf: install 515 or newer"));
        context.enter();
        try (var arena = Arena.ofConfined()) {
            var descriptor = arena.allocate(JAVA_INT);
            int status = 0;
            // The flag came with CUDA 12.8; without it the driver chooses.
            for (long flags : FLAGS) {
                status =
                        Calls.raw(
                                "cuMemGetHandleForAddressRange",
                                () ->
                                        (int)
                                                export.invokeExact(
                                                        descriptor,
                                                        address,
                                                        bytes,
                                                        Constants
                                                                .CU_MEM_RANGE_HANDLE_TYPE_DMA_BUF_FD,
                                                        flags));
                if (status == 0) {
                    return descriptor.get(JAVA_INT, 0);
                }
            }
            throw Result.failure(
                    "cuMemGetHandleForAddressRange of " + bytes + " bytes (dma-buf)", status);
        }
    }
}
