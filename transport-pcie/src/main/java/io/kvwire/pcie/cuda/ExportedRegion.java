package io.kvwire.pcie.cuda;

import io.kvwire.ffi.cuda.IpcHandle;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;

/**
 * A range of device memory as another process on the same host opens it. Immutable.
 *
 * @param deviceUuid of the GPU, 32 hexadecimal digits
 * @param handle of the allocation
 * @param allocationBytes how much the allocation has
 * @param offset of the range in the allocation, in bytes
 * @param bytes of the range
 */
public record ExportedRegion(
        String deviceUuid, IpcHandle handle, long allocationBytes, long offset, long bytes) {
    private static final int UUID_BYTES = 16;

    /** The length of {@link #encode}. */
    public static final int ENCODED_BYTES = UUID_BYTES + IpcHandle.BYTES + 3 * Long.BYTES;

    /** Checks the range. */
    public ExportedRegion {
        boolean inside =
                allocationBytes > 0
                        && bytes > 0
                        && offset >= 0
                        && bytes <= allocationBytes
                        && offset <= allocationBytes - bytes;
        if (!inside || deviceUuid.length() != 2 * UUID_BYTES) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    bytes
                            + " bytes at "
                            + offset
                            + " of an allocation of "
                            + allocationBytes
                            + " on device "
                            + deviceUuid
                            + " are no range that another process exports");
        }
    }

    /**
     * Exports memory. Its owner frees it after every process that opened it has closed it.
     *
     * @param memory that knows the segment
     * @param segment of the device
     * @return what to send to a process of the same user on the same host
     * @throws TransferException with {@link ErrorCode#OUT_OF_RANGE} when the segment is not known,
     *     {@link ErrorCode#PATH_UNAVAILABLE} for virtual memory and memory of pools, which have no
     *     such handle
     */
    public static ExportedRegion of(CudaMemory memory, MemorySegment segment) {
        long address = memory.address(segment, 0, segment.byteSize());
        var context = memory.context();
        if (!context.isExportable(address)) {
            throw new TransferException(
                    ErrorCode.PATH_UNAVAILABLE,
                    "memory at 0x"
                            + Long.toHexString(address)
                            + " is virtual or of a pool, which has no IPC handle: for PyTorch,"
                            + " leave expandable_segments and cudaMallocAsync off");
        }
        var allocation = context.rangeOf(address);
        return new ExportedRegion(
                context.device().uuid(),
                context.export(allocation.start()),
                allocation.bytes(),
                address - allocation.start(),
                segment.byteSize());
    }

    /** {@return {@value #ENCODED_BYTES} bytes, little-endian: device, handle, sizes} */
    public byte[] encode() {
        return ByteBuffer.allocate(ENCODED_BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(HexFormat.of().parseHex(deviceUuid))
                .put(handle.bytes())
                .putLong(allocationBytes)
                .putLong(offset)
                .putLong(bytes)
                .array();
    }

    /**
     * {@return what another process has encoded}
     *
     * @param encoded from {@link #encode}
     * @throws TransferException with {@link ErrorCode#MALFORMED} when it is not that
     */
    public static ExportedRegion decode(byte... encoded) {
        if (encoded.length != ENCODED_BYTES) {
            throw new TransferException(
                    ErrorCode.MALFORMED,
                    "an exported region of " + encoded.length + " bytes, it has " + ENCODED_BYTES);
        }
        var buffer = ByteBuffer.wrap(encoded).order(ByteOrder.LITTLE_ENDIAN);
        byte[] uuid = new byte[UUID_BYTES];
        byte[] handle = new byte[IpcHandle.BYTES];
        buffer.get(uuid).get(handle);
        return new ExportedRegion(
                HexFormat.of().formatHex(uuid),
                IpcHandle.of(handle),
                buffer.getLong(),
                buffer.getLong(),
                buffer.getLong());
    }
}
