package io.kvwire.tck.memory;

import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.spi.ControlAcceptor;
import io.kvwire.transport.spi.ControlChannel;
import io.kvwire.transport.spi.ControlChannelProvider;

/** Opens the in-memory control channel for nodes that name a {@link MemoryFabric}. Thread-safe. */
public final class MemoryControlProvider implements ControlChannelProvider {
    /** Makes the provider; ServiceLoader calls this. */
    public MemoryControlProvider() {}

    @Override
    public String name() {
        return MemoryFabric.NAME;
    }

    @Override
    public int rank() {
        return MemoryFabric.RANK;
    }

    @Override
    public boolean serves(NodeConfig config) {
        return MemoryFabric.of(config).isPresent();
    }

    @Override
    public ControlChannel open(NodeConfig config, ControlAcceptor acceptor) {
        return MemoryChannel.open(MemoryFabric.joinedBy(config), config, acceptor);
    }
}
