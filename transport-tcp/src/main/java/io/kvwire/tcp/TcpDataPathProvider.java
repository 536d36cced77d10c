package io.kvwire.tcp;

import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DataPathProvider;

import java.util.Optional;

/** Offers the TCP data path. */
public final class TcpDataPathProvider implements DataPathProvider {
    private static final int RANK = 100;

    /** For ServiceLoader. */
    public TcpDataPathProvider() {}

    @Override
    public String name() {
        return TcpDataPath.NAME;
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public Optional<String> unavailable(NodeConfig config) {
        return Optional.empty();
    }

    @Override
    public DataPath open(NodeConfig config) {
        return new TcpDataPath(config);
    }
}
