package io.kvwire.transport.spi;

/**
 * A dma-buf: an open file descriptor by which a driver finds memory of another driver's device.
 * Whoever was given it closes it; registrations that were made of it last on.
 *
 * @param descriptor the open file descriptor
 * @param offset where in the dma-buf the memory starts, in bytes
 * @param closing closes the descriptor
 */
public record DmaBuf(int descriptor, long offset, Runnable closing) implements AutoCloseable {
    /** Closes the descriptor; called once. */
    @Override
    public void close() {
        closing.run();
    }
}
