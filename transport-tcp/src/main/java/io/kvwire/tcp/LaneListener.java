package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.NodeConfig;
import io.kvwire.transport.TransferException;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.InetSocketAddress;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Accepts data lanes, and gives each to the link whose token it shows. How many may be in their
 * handshake is bounded, and so is the time for it. Thread-safe.
 */
final class LaneListener {
    private static final Logger LOG = LoggerFactory.getLogger(LaneListener.class);

    /** The most connections that have not yet shown a token. */
    private static final int MAX_HANDSHAKES = 1024;

    private final NodeConfig config;
    private final NodeLoops loops;
    private final Optional<TlsContexts> tls;
    private final AtomicInteger handshakes = new AtomicInteger();
    private final List<TcpDataLink> expected = new ArrayList<>();
    private final Channel channel;

    private LaneListener(
            NodeAddress address, NodeConfig config, NodeLoops loops, Optional<TlsContexts> tls) {
        this.config = config;
        this.loops = loops;
        this.tls = tls;
        channel =
                Listening.on(
                        address,
                        "data lanes",
                        new ServerBootstrap()
                                .group(loops.group())
                                .channel(loops.options().io().listeners())
                                .option(ChannelOption.SO_BACKLOG, 1024)
                                .childHandler(new Setup(this::accepted)));
    }

    static LaneListener bind(
            NodeAddress address, NodeConfig config, NodeLoops loops, Optional<TlsContexts> tls) {
        return new LaneListener(address, config, loops, tls);
    }

    int port() {
        return ((InetSocketAddress) channel.localAddress()).getPort();
    }

    /** Waits for the lanes of a link until its time is over. */
    void expect(TcpDataLink link) {
        synchronized (expected) {
            expected.add(link);
        }
        var timeout =
                loops.group()
                        .schedule(
                                () -> link.close(late(link)),
                                link.setup().timeoutNanos(),
                                TimeUnit.NANOSECONDS);
        link.ready()
                .whenComplete((_, _) -> {
                    timeout.cancel(false);
                    synchronized (expected) {
                        expected.remove(link);
                    }
                });
    }

    void close() {
        channel.close().awaitUninterruptibly(1, TimeUnit.SECONDS);
    }

    private void accepted(Channel lane) {
        if (handshakes.incrementAndGet() > MAX_HANDSHAKES) {
            handshakes.decrementAndGet();
            LOG.warn(
                    "refused a data lane from {}: {} are in their handshake already",
                    lane.remoteAddress(),
                    MAX_HANDSHAKES);
            lane.close();
            return;
        }
        TcpDataPath.tune(lane, loops.options());
        LaneConnection.accepting(lane, tls, this::find, handshakes::decrementAndGet)
                .install(config.limits().handshakeTimeout().toNanos());
    }

    private Optional<TcpDataLink> find(LaneHello hello) {
        synchronized (expected) {
            Optional<TcpDataLink> found = Optional.empty();
            for (var link : expected) {
                // Takes the same time wherever two tokens differ.
                if (MessageDigest.isEqual(link.setup().token(), hello.token())) {
                    found = Optional.of(link);
                }
            }
            return found.filter(link -> link.take(hello.lane()));
        }
    }

    private static TransferException late(TcpDataLink link) {
        return new TransferException(
                ErrorCode.UNREACHABLE,
                "only "
                        + link.lanes()
                        + " of "
                        + link.setup().lanes()
                        + " tcp lanes of "
                        + link.setup().peerName()
                        + " arrived in time; check that its host can reach the data port");
    }
}
