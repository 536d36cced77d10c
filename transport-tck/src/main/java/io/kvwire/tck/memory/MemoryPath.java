package io.kvwire.tck.memory;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;

/** One node's end of the in-memory path. Thread-safe. */
final class MemoryPath implements DataPath {
    private final MemoryFabric fabric;
    private final String node;
    private final long id;
    private final Throttle throttle;
    private final Threads threads = new Threads();
    private final Set<MemoryLink> links = ConcurrentHashMap.newKeySet();
    private final Map<String, Awaited> awaited = new ConcurrentHashMap<>();
    private volatile boolean closed;

    /** A peer that was told a token and has not connected yet. */
    private record Awaited(
            LinkSetup setup, LinkHandler handler, CompletableFuture<DataLink> link) {}

    MemoryPath(MemoryFabric fabric, NodeConfig config) {
        this.fabric = fabric;
        node = config.name();
        throttle = new Throttle(config.bytesPerSecond());
        id = fabric.add(this);
    }

    @Override
    public String name() {
        return MemoryFabric.NAME;
    }

    @Override
    public byte[] endpoint() {
        return ByteBuffer.allocate(Long.BYTES).putLong(id).array();
    }

    @Override
    public CompletableFuture<DataLink> accept(LinkSetup setup, LinkHandler handler) {
        var token = key(setup);
        var waiting = new Awaited(setup, handler, new CompletableFuture<>());
        awaited.put(token, waiting);
        if (closed) {
            fail(token, closedHere());
        }
        return waiting.link
                .orTimeout(setup.timeoutNanos(), TimeUnit.NANOSECONDS)
                .exceptionally(failure -> {
                    awaited.remove(token);
                    throw failure instanceof TransferException known
                            ? known
                            : new TransferException(
                                    ErrorCode.UNREACHABLE,
                                    "no lane of '" + setup.peerName() + "' came in time");
                });
    }

    @Override
    public CompletableFuture<DataLink> connect(LinkSetup setup, LinkHandler handler) {
        try {
            return CompletableFuture.completedFuture(join(setup, handler));
        } catch (TransferException e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    private DataLink join(LinkSetup setup, LinkHandler handler) {
        if (closed) {
            throw closedHere();
        }
        var remote =
                setup.endpoint().length == Long.BYTES
                        ? fabric.path(ByteBuffer.wrap(setup.endpoint()).getLong())
                        : Optional.<MemoryPath>empty();
        var there =
                remote.orElseThrow(() ->
                        new TransferException(
                                ErrorCode.UNREACHABLE,
                                "'" + setup.peerName() + "' has left the fabric"));
        var waiting = there.awaited.remove(key(setup));
        if (waiting == null || waiting.setup.lanes() != setup.lanes()) {
            throw new TransferException(
                    ErrorCode.REFUSED, "'" + setup.peerName() + "' does not expect these lanes");
        }
        var lanes = IntStream.range(0, setup.lanes()).mapToObj(i -> new Lane()).toList();
        var here = link(setup, handler, lanes, true);
        var far = there.link(waiting.setup, waiting.handler, lanes, false);
        far.start();
        waiting.link.complete(far);
        here.start();
        if (closed || there.closed) {
            here.close(closedHere());
        }
        return here;
    }

    MemoryFabric fabric() {
        return fabric;
    }

    Threads threads() {
        return threads;
    }

    Throttle throttle() {
        return throttle;
    }

    void ended(MemoryLink link) {
        links.remove(link);
    }

    private MemoryLink link(
            LinkSetup setup, LinkHandler handler, List<Lane> lanes, boolean connector) {
        var name = "kvwire-memory-" + node + "-" + setup.peerName();
        var link = new MemoryLink(this, name, handler, lanes, connector);
        links.add(link);
        return link;
    }

    private void fail(String token, TransferException reason) {
        var waiting = awaited.remove(token);
        if (waiting != null) {
            waiting.link.completeExceptionally(reason);
        }
    }

    private TransferException closedHere() {
        return new TransferException(ErrorCode.CLOSED, "node '" + node + "' is closing");
    }

    private static String key(LinkSetup setup) {
        return HexFormat.of().formatHex(setup.token());
    }

    @Override
    public void close() {
        closed = true;
        fabric.remove(id);
        new ArrayList<>(awaited.keySet()).forEach(token -> fail(token, closedHere()));
        links.forEach(link -> link.close(closedHere()));
        threads.join();
    }
}
