package io.kvwire.rdma;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DmaBuf;

/** An open RDMA device and its protection domain. Thread-safe. */
interface VerbsDevice extends AutoCloseable {
    /** {@return what it can do at most} */
    DeviceLimits limits();

    /**
     * Registers memory.
     *
     * @param address of the first byte
     * @param bytes how many
     * @param access bits of {@link MemoryAccess}
     * @return the registration
     * @throws TransferException with {@code RESOURCE_EXHAUSTED} and what to do about it
     */
    MemoryKeys register(long address, long bytes, int access);

    /**
     * Registers memory of another device through a dma-buf.
     *
     * @param buffer stays the caller's, who may close it afterwards
     * @param address that work requests and peers are to use for the first byte
     * @param bytes how many
     * @param access bits of {@link MemoryAccess}
     * @return the registration
     * @throws TransferException with {@code PATH_UNAVAILABLE} or {@code RESOURCE_EXHAUSTED} when
     *     provider, device or kernel cannot
     */
    default MemoryKeys registerDmaBuf(DmaBuf buffer, long address, long bytes, int access) {
        throw new TransferException(
                ErrorCode.PATH_UNAVAILABLE, "the provider has no call for a dma-buf");
    }

    /**
     * Makes a memory window of type 2, where {@link DeviceLimits#windows} says that there are any.
     *
     * @return the window, bound to nothing
     * @throws TransferException with {@code RESOURCE_EXHAUSTED}
     */
    default Window window() {
        throw new UnsupportedOperationException("no memory windows");
    }

    /**
     * {@return whether windows are fit for use: the binding of one is carried out once, although
     * what was posted before it is sent again}
     */
    default boolean bindsOnce() {
        return true;
    }

    /**
     * Makes a completion queue.
     *
     * @param depth completions that it must hold
     * @return the queue
     */
    CompletionQueue completionQueue(int depth);

    /**
     * Makes a shared receive queue.
     *
     * @param depth receives that it must hold
     * @return the queue
     */
    ReceiveQueue receiveQueue(int depth);

    /**
     * Makes a reliable-connected queue pair, in the state INIT.
     *
     * @param port of the device
     * @param completions for both of its queues, from {@link #completionQueue}
     * @param receives from {@link #receiveQueue}
     * @param spec its sizes and settings
     * @return the queue pair
     */
    QueuePair queuePair(
            VerbsPort port, CompletionQueue completions, ReceiveQueue receives, QueueSpec spec);

    /** Closes the device; everything made from it was closed before. */
    @Override
    void close();
}
