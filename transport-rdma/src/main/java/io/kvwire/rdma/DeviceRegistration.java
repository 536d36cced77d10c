package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.NicAccess;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;

/**
 * A registration of memory of another device, which the NIC then reads and writes without the host:
 * through a dma-buf where device, drivers and kernel can, else by its address, where the device's
 * driver hands its pages to the NIC's (peer memory).
 *
 * @param keys of the NIC
 * @param way {@code dma-buf} or {@code peer memory}
 */
record DeviceRegistration(MemoryKeys keys, String way) {
    /**
     * Registers a segment.
     *
     * @param nic to register with
     * @param device whose memory it is
     * @param segment the whole of it is registered
     * @param access bits of {@link MemoryAccess}
     * @return the registration, whose addresses are those of the segment
     * @throws TransferException with {@link ErrorCode#PATH_UNAVAILABLE} when neither way works, and
     *     why each did not
     */
    static DeviceRegistration of(
            VerbsDevice nic, DeviceMemory device, MemorySegment segment, int access) {
        var offered =
                device.nicAccess()
                        .orElseThrow(() ->
                                new TransferException(
                                        ErrorCode.PATH_UNAVAILABLE,
                                        "memory of " + device.device() + " is open to no NIC"));
        var reasons = new ArrayList<String>();
        try {
            return new DeviceRegistration(dmaBuf(nic, offered, segment, access), "dma-buf");
        } catch (TransferException e) {
            reasons.add("dma-buf: " + e.getMessage());
        }
        try {
            return new DeviceRegistration(peer(nic, offered, segment, access), "peer memory");
        } catch (TransferException e) {
            reasons.add("peer memory: " + e.getMessage() + " (" + offered.peerMemoryAdvice() + ")");
        }
        throw new TransferException(
                ErrorCode.PATH_UNAVAILABLE,
                "the NIC cannot reach memory of "
                        + device.device()
                        + ": "
                        + String.join("; ", reasons));
    }

    private static MemoryKeys dmaBuf(
            VerbsDevice nic, NicAccess offered, MemorySegment segment, int access) {
        try (var buffer = offered.dmaBuf(segment)) {
            // The registration holds the memory from here on; the descriptor is not needed.
            return nic.registerDmaBuf(buffer, segment.address(), segment.byteSize(), access);
        }
    }

    private static MemoryKeys peer(
            VerbsDevice nic, NicAccess offered, MemorySegment segment, int access) {
        offered.preparePeerMemory(segment);
        return nic.register(segment.address(), segment.byteSize(), access);
    }
}
