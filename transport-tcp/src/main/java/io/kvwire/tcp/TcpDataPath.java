package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.DataPath;
import io.kvwire.transport.spi.LinkHandler;
import io.kvwire.transport.spi.LinkSetup;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;

/**
 * The data lanes of one node: a listener where the node listens, and the links to its peers.
 * Thread-safe.
 */
final class TcpDataPath implements DataPath {
    /** The name of the path. */
    static final String NAME = "tcp";

    private final NodeConfig config;
    private final NodeLoops loops;
    private final Optional<TlsContexts> tls;
    private final Optional<RateLimit> limit;
    private final Optional<LaneListener> listener;
    private final Set<TcpDataLink> links = ConcurrentHashMap.newKeySet();
    private boolean closed;

    TcpDataPath(NodeConfig config) {
        this.config = config;
        tls = TlsContexts.of(config.tls());
        limit = config.bytesPerSecond().stream().mapToObj(RateLimit::new).findFirst();
        loops = NodeLoops.of(config);
        try {
            listener =
                    config.listen()
                            .map(address ->
                                    LaneListener.bind(
                                            new NodeAddress(
                                                    address.host(), loops.options().dataPort()),
                                            config,
                                            loops,
                                            tls));
        } catch (TransferException e) {
            loops.release();
            throw e;
        }
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public byte[] endpoint() {
        return new Endpoint(listener.map(LaneListener::port).orElse(0)).encode();
    }

    @Override
    public CompletableFuture<DataLink> connect(LinkSetup setup, LinkHandler handler) {
        var link = open(setup, handler);
        try {
            var endpoint = Endpoint.decode(setup.endpoint());
            if (endpoint.port() == 0) {
                throw new TransferException(
                        ErrorCode.UNREACHABLE,
                        "peer " + setup.peerName() + " does not listen for data lanes");
            }
            var address = new NodeAddress(setup.remoteHost(), endpoint.port());
            // The host of a control connection is numeric: nothing is looked up here.
            var socket =
                    new InetSocketAddress(InetAddress.getByName(address.host()), address.port());
            for (int lane = 0; lane < setup.lanes(); lane++) {
                connect(link, lane, address, socket);
            }
        } catch (TransferException e) {
            link.close(e);
        } catch (UnknownHostException e) {
            link.close(Failures.connect("data lanes", new NodeAddress(setup.remoteHost(), 0), e));
        }
        return link.ready();
    }

    @Override
    public CompletableFuture<DataLink> accept(LinkSetup setup, LinkHandler handler) {
        var link = open(setup, handler);
        listener.ifPresentOrElse(
                there -> there.expect(link),
                () ->
                        link.close(
                                new TransferException(
                                        ErrorCode.UNREACHABLE,
                                        "node "
                                                + config.name()
                                                + " does not listen for data lanes")));
        return link.ready();
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        listener.ifPresent(LaneListener::close);
        var reason =
                new TransferException(ErrorCode.CLOSED, "node " + config.name() + " was closed");
        links.forEach(link -> link.close(reason));
        Waiting.forAll(loops, links.stream().map(TcpDataLink::finished));
        loops.release();
    }

    private TcpDataLink open(LinkSetup setup, LinkHandler handler) {
        var link = new TcpDataLink(setup, handler, loops.options(), limit);
        synchronized (this) {
            if (closed) {
                link.close(
                        new TransferException(
                                ErrorCode.CLOSED, "node " + config.name() + " was closed"));
            }
            links.add(link);
        }
        link.finished().thenRun(() -> links.remove(link));
        loops.busyUntil(link.finished());
        return link;
    }

    private void connect(
            TcpDataLink link, int lane, NodeAddress address, InetSocketAddress socket) {
        link.take(lane);
        long timeoutNanos = link.setup().timeoutNanos();
        var hello = new LaneHello(lane, link.setup().token());
        var opening =
                new Bootstrap()
                        .group(loops.group())
                        .channel(loops.options().io().channels())
                        .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, millis(timeoutNanos))
                        .handler(
                                new Setup(channel -> {
                                    tune(channel, loops.options());
                                    LaneConnection.connecting(channel, tls, link, hello)
                                            .install(timeoutNanos);
                                }))
                        .connect(socket);
        opening.addListener((ChannelFuture done) -> {
            if (!done.isSuccess()) {
                link.close(Failures.connect("data lane " + lane, address, done.cause()));
            }
        });
        link.ready()
                .whenComplete((_, error) -> {
                    if (error != null) {
                        opening.channel().close();
                    }
                });
    }

    /** Sets what every data lane has, on either side. */
    static void tune(Channel channel, TcpOptions options) {
        var settings = channel.config();
        settings.setOption(ChannelOption.TCP_NODELAY, true);
        settings.setOption(ChannelOption.SO_KEEPALIVE, true);
        if (options.sendBufferBytes() > 0) {
            settings.setOption(ChannelOption.SO_SNDBUF, options.sendBufferBytes());
        }
        if (options.receiveBufferBytes() > 0) {
            settings.setOption(ChannelOption.SO_RCVBUF, options.receiveBufferBytes());
        }
    }

    static int millis(long nanos) {
        return Math.clamp(TimeUnit.NANOSECONDS.toMillis(nanos), 1, Integer.MAX_VALUE);
    }
}
