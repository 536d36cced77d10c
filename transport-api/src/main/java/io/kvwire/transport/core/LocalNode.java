package io.kvwire.transport.core;

import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferNode;

/** Starts nodes. */
public final class LocalNode {
    private LocalNode() {}

    /**
     * {@return a node}
     *
     * @param config of the node
     */
    public static TransferNode start(NodeConfig config) {
        throw new UnsupportedOperationException("under construction");
    }
}
