package io.kvwire.pcie;

import io.kvwire.ffi.linux.Linux;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DataPathProvider;

import java.util.Optional;

/** Offers the same-host path; preferred to any network. */
public final class PcieDataPathProvider implements DataPathProvider {
    private static final int RANK = 10;

    /** For ServiceLoader. */
    public PcieDataPathProvider() {}

    @Override
    public String name() {
        return PcieDataPath.NAME;
    }

    @Override
    public int rank() {
        return RANK;
    }

    @Override
    public Optional<String> unavailable(NodeConfig config) {
        var system = Linux.unavailable();
        if (system.isPresent()) {
            return system;
        }
        try {
            var _ = Endpoint.thisBoot();
            var _ = SocketDirectory.open(PcieOptions.of(config).directory());
            return Optional.empty();
        } catch (TransferException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        }
    }

    @Override
    public DataPath open(NodeConfig config) {
        return new PcieDataPath(config, PcieOptions.of(config));
    }
}
