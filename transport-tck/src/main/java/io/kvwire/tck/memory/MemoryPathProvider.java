package io.kvwire.tck.memory;

import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DataPathProvider;

import java.util.Optional;

/** Opens the in-memory path for nodes that name a {@link MemoryFabric}. Thread-safe. */
public final class MemoryPathProvider implements DataPathProvider {
    /** Makes the provider; ServiceLoader calls this. */
    public MemoryPathProvider() {}

    @Override
    public String name() {
        return MemoryFabric.NAME;
    }

    @Override
    public int rank() {
        return MemoryFabric.RANK;
    }

    @Override
    public Optional<String> unavailable(NodeConfig config) {
        return MemoryFabric.of(config).isPresent()
                ? Optional.empty()
                : Optional.of("wire option " + MemoryFabric.OPTION + " names no fabric");
    }

    @Override
    public DataPath open(NodeConfig config) {
        return new MemoryPath(MemoryFabric.joinedBy(config), config);
    }
}
