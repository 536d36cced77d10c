package io.kvwire.tck.fault;

import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.DataPathProvider;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiFunction;

/** A data path whose links are faulty. */
final class FaultyPath implements DataPath {
    private final DataPath path;
    private final NodeFaults faults;

    private FaultyPath(DataPath path, NodeFaults faults) {
        this.path = path;
        this.faults = faults;
    }

    static DataPathProvider provider(DataPathProvider real, NodeFaults faults) {
        return new DataPathProvider() {
            @Override
            public String name() {
                return real.name();
            }

            @Override
            public int rank() {
                return real.rank();
            }

            @Override
            public Optional<String> unavailable(NodeConfig config) {
                return real.unavailable(config);
            }

            @Override
            public DataPath open(NodeConfig config) {
                return new FaultyPath(real.open(config), faults);
            }
        };
    }

    @Override
    public String name() {
        return path.name();
    }

    @Override
    public byte[] endpoint() {
        return path.endpoint();
    }

    @Override
    public CompletableFuture<DataLink> connect(LinkSetup setup, LinkHandler handler) {
        return wrap(setup, handler, path::connect);
    }

    @Override
    public CompletableFuture<DataLink> accept(LinkSetup setup, LinkHandler handler) {
        return wrap(setup, handler, path::accept);
    }

    private CompletableFuture<DataLink> wrap(
            LinkSetup setup,
            LinkHandler handler,
            BiFunction<LinkSetup, LinkHandler, CompletableFuture<DataLink>> opener) {
        var link = new FaultyLink(faults, handler);
        return opener.apply(setup, link.inbound()).thenApply(link::over);
    }

    @Override
    public void close() {
        path.close();
    }
}
