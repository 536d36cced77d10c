package io.kvwire.transport.spi;

import java.lang.foreign.MemorySegment;

/**
 * How a NIC reaches memory of a device without the host in between. A wire tries a dma-buf first,
 * then the address, and stages the memory when its NIC refuses both. Implemented beside the {@link
 * DeviceMemory} that offers it; thread-safe.
 */
public interface NicAccess {
    /**
     * Makes a dma-buf.
     *
     * @param memory a segment of the device
     * @return a new descriptor, closed by the caller
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#PATH_UNAVAILABLE} and the reason when device, driver or
     *     kernel cannot
     */
    DmaBuf dmaBuf(MemorySegment memory);

    /**
     * Prepares memory to be registered by its address, as a NIC's driver can where the device's
     * driver hands it the pages (peer memory).
     *
     * @param memory a segment of the device
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#PATH_UNAVAILABLE} and the reason when it cannot be
     */
    void preparePeerMemory(MemorySegment memory);

    /**
     * {@return what to do when a NIC knows no such address, such as a kernel module to load; part
     * of the reason in the path report}
     */
    String peerMemoryAdvice();

    /**
     * Makes visible what a NIC has written and reported as there: all work that is given to the
     * device afterwards sees it. Called once for each frame that arrives, before it is published,
     * on a thread of the wire.
     */
    void settle();
}
