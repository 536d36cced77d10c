package io.kvwire.transport.spi;

import io.kvwire.transport.NodeAddress;

import java.util.Map;
import java.util.Optional;

/** Finds the addresses of nodes by name. Thread-safe. */
public interface PeerDirectory {
    /**
     * {@return where a node listens, or empty when the directory does not know}
     *
     * @param name see {@link io.kvwire.transport.TransferNode#name()}
     */
    Optional<NodeAddress> find(String name);

    /**
     * {@return a directory of fixed addresses}
     *
     * @param addresses by name of node
     */
    static PeerDirectory of(Map<String, NodeAddress> addresses) {
        var copy = Map.copyOf(addresses);
        return name -> Optional.ofNullable(copy.get(name));
    }
}
