package io.kvwire.transport.spi;

import io.kvwire.transport.NodeConfig;

/** Finds the control channel; found by ServiceLoader. */
public interface ControlChannelProvider {
    /** {@return its name; tcp for the one in transport-tcp} */
    String name();

    /** {@return the place in the order of preference: lower is tried first; tcp has 100} */
    int rank();

    /**
     * {@return whether this channel is the one for a node: the in-memory wire of the tests serves
     * only nodes that ask for it}
     *
     * @param config of the node
     */
    boolean serves(NodeConfig config);

    /**
     * Opens the channel for a node and, when the configuration has an address, listens.
     *
     * @param config of the node
     * @param acceptor receives connections from peers
     * @return the channel
     * @throws io.kvwire.transport.TransferException with {@link
     *     io.kvwire.transport.ErrorCode#UNREACHABLE} when the address cannot be bound
     */
    ControlChannel open(NodeConfig config, ControlAcceptor acceptor);
}
