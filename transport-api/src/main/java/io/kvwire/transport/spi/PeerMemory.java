package io.kvwire.transport.spi;

import java.lang.foreign.MemorySegment;

/**
 * How processes of one host show each other a device's memory, for wires that copy device to device
 * then: CUDA's IPC handles, say. Belongs to one {@link DeviceMemory}, and ends with it.
 *
 * <p>The owner of memory that was exported frees it only after every process that opened it has
 * closed it. Thread-safe.
 */
public interface PeerMemory {
    /**
     * Exports memory of the device.
     *
     * @param memory a segment of the device
     * @return what another process opens it with, at most 1 KiB
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#PATH_UNAVAILABLE} and the reason when it cannot be shown
     */
    byte[] export(MemorySegment memory);

    /**
     * Opens memory that another process, or this one, has exported.
     *
     * @param exported as it was sent: not to be trusted further than its sender
     * @return a segment that {@link DeviceMemory#gather} and {@link #start} take
     * @throws io.kvwire.transport.TransferException with the reason when it cannot be opened here
     */
    MemorySegment open(byte[] exported);

    /**
     * Ends one {@link #open}; no copy uses the segment any more.
     *
     * @param exported the same
     */
    void release(byte[] exported);

    /**
     * Starts to copy within the device, or from another one that it reaches, beside the device's
     * computing. What was written to the source before the call, by work that the caller knows to
     * be done, is what is copied.
     *
     * @param source runs, walked to their end before this returns
     * @param target runs of as many bytes, likewise; they may be cut in other places
     * @return the copy, which the caller closes
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#OUT_OF_RANGE} for a range that is not all inside known
     *     memory: what was started before it has ended then
     */
    Copy start(RunCursor source, RunCursor target);

    /** A copy that runs. Confined to one thread at a time. */
    interface Copy extends AutoCloseable {
        /**
         * {@return whether all bytes are in place, visible to work given to the device from now on}
         *
         * @throws io.kvwire.transport.TransferException when the copy failed
         */
        boolean isDone();

        /**
         * Waits until nothing is read or written any more.
         *
         * @throws io.kvwire.transport.TransferException when the copy failed
         */
        @Override
        void close();
    }
}
