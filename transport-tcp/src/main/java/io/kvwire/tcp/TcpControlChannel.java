package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.ControlAcceptor;
import io.kvwire.transport.spi.ControlChannel;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;
import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelOption;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** The control connections of one node. Thread-safe. */
final class TcpControlChannel implements ControlChannel {
    private static final Logger LOG = LoggerFactory.getLogger(TcpControlChannel.class);

    /**
     * Connections beyond the limit on peers that are told so; those beyond these are just closed.
     */
    private static final int MAX_REFUSALS = 64;

    private final NodeConfig config;
    private final ControlAcceptor acceptor;
    private final NodeLoops loops;
    private final Optional<TlsContexts> tls;
    private final Optional<Channel> listener;
    private final Set<TcpControlLink> links = ConcurrentHashMap.newKeySet();
    private final AtomicInteger accepted = new AtomicInteger();
    private boolean closed;

    TcpControlChannel(NodeConfig config, ControlAcceptor acceptor) {
        this.config = config;
        this.acceptor = acceptor;
        tls = TlsContexts.of(config.tls());
        loops = NodeLoops.of(config);
        try {
            listener = config.listen().map(this::listen);
        } catch (TransferException e) {
            loops.release();
            throw e;
        }
    }

    @Override
    public Optional<NodeAddress> address() {
        return listener.map(channel ->
                new NodeAddress(
                        config.listen().orElseThrow().host(),
                        ((InetSocketAddress) channel.localAddress()).getPort()));
    }

    @Override
    public CompletableFuture<ControlLink> connect(NodeAddress address, ControlHandler handler) {
        var connecting = new CompletableFuture<ControlLink>();
        // Looking a name up may take seconds: not on an event loop, nor in the caller's thread.
        Thread.ofVirtual()
                .name("kvwire-tcp-resolve")
                .start(() -> {
                    try {
                        var socket =
                                new InetSocketAddress(
                                        InetAddress.getByName(address.host()), address.port());
                        connect(address, socket, handler, connecting);
                    } catch (UnknownHostException e) {
                        connecting.completeExceptionally(
                                Failures.connect("the control channel", address, e));
                    } catch (RuntimeException e) {
                        connecting.completeExceptionally(closedException());
                    }
                });
        return connecting;
    }

    @Override
    public void close() {
        synchronized (this) {
            if (closed) {
                return;
            }
            closed = true;
        }
        listener.ifPresent(channel -> channel.close().awaitUninterruptibly(1, TimeUnit.SECONDS));
        links.forEach(link -> link.close(closedException()));
        Waiting.forAll(loops, links.stream().map(TcpControlLink::finished));
        loops.release();
    }

    private void connect(
            NodeAddress address,
            InetSocketAddress socket,
            ControlHandler handler,
            CompletableFuture<ControlLink> connecting) {
        long timeoutNanos = config.limits().handshakeTimeout().toNanos();
        new Bootstrap()
                .group(loops.group())
                .channel(loops.options().io().channels())
                .option(ChannelOption.TCP_NODELAY, true)
                .option(ChannelOption.SO_KEEPALIVE, true)
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, TcpDataPath.millis(timeoutNanos))
                .handler(
                        new Setup(channel -> {
                            var link =
                                    TcpControlLink.connecting(
                                            channel, config.limits(), tls, address, handler);
                            link.ready()
                                    .whenComplete((ready, error) -> {
                                        if (error == null) {
                                            connecting.complete(ready);
                                        } else {
                                            connecting.completeExceptionally(error);
                                        }
                                    });
                            use(link, timeoutNanos);
                        }))
                .connect(socket)
                .addListener((ChannelFuture done) -> {
                    if (!done.isSuccess()) {
                        connecting.completeExceptionally(
                                Failures.connect("the control channel", address, done.cause()));
                    }
                });
    }

    private Channel listen(NodeAddress address) {
        return Listening.on(
                address,
                "the control channel",
                new ServerBootstrap()
                        .group(loops.group())
                        .channel(loops.options().io().listeners())
                        .option(ChannelOption.SO_REUSEADDR, true)
                        .childOption(ChannelOption.TCP_NODELAY, true)
                        .childOption(ChannelOption.SO_KEEPALIVE, true)
                        .childHandler(new Setup(this::accepted)));
    }

    private void accepted(Channel channel) {
        int limit = config.limits().maxPeers();
        int now = accepted.incrementAndGet();
        channel.closeFuture().addListener(_ -> accepted.decrementAndGet());
        if (now > limit + MAX_REFUSALS) {
            LOG.warn(
                    "refused a control connection from {}: {} are open",
                    channel.remoteAddress(),
                    now - 1);
            channel.close();
            return;
        }
        var refusal =
                now <= limit
                        ? Optional.<TransferException>empty()
                        : Optional.of(
                                new TransferException(
                                        ErrorCode.RESOURCE_EXHAUSTED,
                                        "node '"
                                                + config.name()
                                                + "' has "
                                                + limit
                                                + " peers already (maxPeers)"));
        use(
                TcpControlLink.accepting(
                        channel, config.limits(), tls, refusal, acceptor::accepted),
                config.limits().handshakeTimeout().toNanos());
    }

    private void use(TcpControlLink link, long handshakeNanos) {
        boolean late;
        synchronized (this) {
            late = closed;
            links.add(link);
        }
        link.finished().thenRun(() -> links.remove(link));
        loops.busyUntil(link.quiet());
        link.install(handshakeNanos);
        if (late) {
            link.close(closedException());
        }
    }

    private TransferException closedException() {
        return new TransferException(ErrorCode.CLOSED, "node '" + config.name() + "' was closed");
    }
}
