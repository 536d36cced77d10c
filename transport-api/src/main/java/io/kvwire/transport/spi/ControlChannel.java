package io.kvwire.transport.spi;

import io.kvwire.transport.NodeAddress;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/** Carries control messages between nodes; opened for one node. Thread-safe. */
public interface ControlChannel extends AutoCloseable {
    /** {@return where it listens, with the real port; empty when it does not} */
    Optional<NodeAddress> address();

    /**
     * Connects to a peer.
     *
     * @param address where it listens
     * @param handler receives its messages
     * @return completes with the link, or exceptionally with {@link
     *     io.kvwire.transport.TransferException}: {@code UNREACHABLE}, or {@code REFUSED} when the
     *     peer's identity is not proven
     */
    CompletableFuture<ControlLink> connect(NodeAddress address, ControlHandler handler);

    /** Closes the listener, all links and all threads. */
    @Override
    void close();
}
