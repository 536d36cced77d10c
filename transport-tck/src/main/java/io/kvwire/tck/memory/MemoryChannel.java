package io.kvwire.tck.memory;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.ControlAcceptor;
import io.kvwire.transport.spi.ControlChannel;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;

import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/** One node's end of the in-memory control channel. Thread-safe. */
final class MemoryChannel implements ControlChannel {
    private final MemoryFabric fabric;
    private final NodeConfig config;
    private final ControlAcceptor acceptor;
    private final Threads threads = new Threads();
    private final Set<MemoryControlLink> links = ConcurrentHashMap.newKeySet();
    private Optional<NodeAddress> address = Optional.empty();
    private volatile boolean closed;

    private MemoryChannel(MemoryFabric fabric, NodeConfig config, ControlAcceptor acceptor) {
        this.fabric = fabric;
        this.config = config;
        this.acceptor = acceptor;
    }

    static MemoryChannel open(MemoryFabric fabric, NodeConfig config, ControlAcceptor acceptor) {
        var channel = new MemoryChannel(fabric, config, acceptor);
        channel.address = config.listen().map(wanted -> fabric.bind(wanted, channel));
        return channel;
    }

    @Override
    public Optional<NodeAddress> address() {
        return address;
    }

    @Override
    public CompletableFuture<ControlLink> connect(NodeAddress to, ControlHandler handler) {
        var remote = fabric.listener(to).filter(channel -> !channel.closed);
        if (closed || remote.isEmpty()) {
            return CompletableFuture.failedFuture(
                    new TransferException(
                            ErrorCode.UNREACHABLE,
                            closed
                                    ? "node '" + config.name() + "' is closing"
                                    : "nobody listens on " + to + " in this fabric"));
        }
        var there = remote.get();
        var connected = new CompletableFuture<ControlLink>();
        var near = link();
        var far = there.link();
        near.join(far);
        far.join(near);
        far.start(there.threads, () -> there.acceptor.accepted(far));
        near.start(
                threads,
                () -> {
                    connected.complete(near);
                    return handler;
                });
        if (closed || there.closed) {
            near.close(new TransferException(ErrorCode.CLOSED, "an end of the link is closing"));
        }
        return connected;
    }

    private MemoryControlLink link() {
        var link =
                new MemoryControlLink(
                        "kvwire-memory-" + config.name() + "-control",
                        config.limits().maxControlBytes(),
                        links::remove);
        links.add(link);
        return link;
    }

    @Override
    public void close() {
        closed = true;
        address.ifPresent(bound -> fabric.unbind(bound, this));
        links.forEach(link ->
                link.close(
                        new TransferException(
                                ErrorCode.CLOSED, "node '" + config.name() + "' is closing")));
        threads.join();
    }
}
