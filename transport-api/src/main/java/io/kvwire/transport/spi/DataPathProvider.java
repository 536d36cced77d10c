package io.kvwire.transport.spi;

import io.kvwire.transport.NodeConfig;

import java.util.Optional;

/**
 * Finds and opens a wire; named in {@code provides} of the wire's module and found by
 * ServiceLoader.
 */
public interface DataPathProvider {
    /** {@return the name of the path} */
    String name();

    /** {@return the place in the order of preference: lower is tried first; tcp has 100} */
    int rank();

    /**
     * {@return why this wire cannot be used on this host, or empty when it can}
     *
     * @param config of the node that asks
     */
    Optional<String> unavailable(NodeConfig config);

    /**
     * Opens the wire for a node.
     *
     * @param config of the node
     * @return the wire
     * @throws io.kvwire.transport.TransferException when it cannot be opened
     */
    DataPath open(NodeConfig config);
}
