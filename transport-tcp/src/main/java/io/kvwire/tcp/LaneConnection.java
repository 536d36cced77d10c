package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOption;
import io.netty.handler.ssl.SslHandler;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.function.Function;

/**
 * The connection of one lane, from its hello on. The connecting side says which link and lane it
 * is; the accepting side looks for the link that waits for it.
 */
final class LaneConnection extends Connection {
    private static final Logger LOG = LoggerFactory.getLogger(LaneConnection.class);

    private final Function<LaneHello, Optional<TcpDataLink>> waiting;
    private final Runnable closed;
    private Optional<LaneHello> hello = Optional.empty();
    private Optional<TcpDataLink> link = Optional.empty();
    private Optional<Lane> lane = Optional.empty();
    private Optional<ChannelHandlerContext> context = Optional.empty();

    private LaneConnection(
            Channel channel,
            Optional<SslHandler> tls,
            Function<LaneHello, Optional<TcpDataLink>> waiting,
            Runnable closed) {
        super(channel, tls);
        this.waiting = waiting;
        this.closed = closed;
    }

    /** {@return the connecting side of a lane} */
    static LaneConnection connecting(
            Channel channel, Optional<TlsContexts> tls, TcpDataLink link, LaneHello hello) {
        var connection =
                new LaneConnection(
                        channel, clientTls(channel, tls), _ -> Optional.empty(), () -> {});
        connection.link = Optional.of(link);
        connection.hello = Optional.of(hello);
        return connection;
    }

    /**
     * {@return the accepting side of a lane}
     *
     * @param waiting finds the link that a hello belongs to
     * @param closed runs when the handshake is over, in whichever way
     */
    static LaneConnection accepting(
            Channel channel,
            Optional<TlsContexts> tls,
            Function<LaneHello, Optional<TcpDataLink>> waiting,
            Runnable closed) {
        return new LaneConnection(channel, serverTls(channel, tls), waiting, closed);
    }

    @Override
    Inlet firstInlet() {
        return hello.isPresent()
                ? new FixedInlet(LaneHello.ANSWER_BYTES, this::answered)
                : new FixedInlet(LaneHello.BYTES, this::greeted);
    }

    @Override
    void connected(ChannelHandlerContext connectedContext) {
        context = Optional.of(connectedContext);
        hello.ifPresent(message ->
                connectedContext.writeAndFlush(Unpooled.wrappedBuffer(message.encode())));
    }

    private Inlet answered(ByteBuffer message) {
        var answer = LaneHello.decodeAnswer(message);
        return switch (answer) {
            case WELCOME -> up(link.orElseThrow(), hello.orElseThrow().lane());
            case UNKNOWN_TOKEN -> throw refused("the peer expects no such lane; connect anew");
            case OTHER_VERSION ->
                    throw new TransferException(
                            ErrorCode.VERSION_MISMATCH,
                            "the peer's data lanes have another version than "
                                    + LaneHello.VERSION
                                    + "; run the same release on both sides");
            case TOO_MANY ->
                    throw new TransferException(
                            ErrorCode.RESOURCE_EXHAUSTED,
                            "the peer has too many lanes in their handshake; try again later");
        };
    }

    private Inlet greeted(ByteBuffer message) {
        LaneHello greeting;
        try {
            greeting = LaneHello.decode(message);
        } catch (TransferException e) {
            if (e.code() == ErrorCode.VERSION_MISMATCH) {
                answer(LaneHello.Answer.OTHER_VERSION).addListener(ChannelFutureListener.CLOSE);
            }
            throw e;
        }
        link = waiting.apply(greeting);
        if (link.isEmpty()) {
            answer(LaneHello.Answer.UNKNOWN_TOKEN);
            throw refused("a data lane from " + peerHost() + " has a token that nobody waits for");
        }
        answer(LaneHello.Answer.WELCOME);
        return up(link.get(), greeting.lane());
    }

    private Inlet up(TcpDataLink owner, int index) {
        established();
        closed.run();
        if (owner.options().sendBufferBytes() == 0
                && channel().remoteAddress() instanceof InetSocketAddress remote
                && remote.getAddress().isLoopbackAddress()) {
            channel().config().setOption(ChannelOption.SO_SNDBUF, TcpOptions.LOOPBACK_SEND_BYTES);
        }
        var started = owner.lane(index, this);
        lane = Optional.of(started);
        if (tls().isPresent()) {
            started.encrypt(context.orElseThrow());
        }
        owner.up(started);
        return started.reader();
    }

    private io.netty.channel.ChannelFuture answer(LaneHello.Answer answer) {
        return context.orElseThrow()
                .writeAndFlush(Unpooled.wrappedBuffer(LaneHello.encode(answer)));
    }

    @Override
    void gone(TransferException reason) {
        if (lane.isPresent()) {
            link.orElseThrow().gone(lane.get(), reason);
        } else {
            closed.run();
            link.ifPresentOrElse(
                    owner -> owner.close(reason),
                    () ->
                            LOG.warn(
                                    "refused a data lane from {}: {}",
                                    peerHost(),
                                    reason.getMessage()));
        }
    }

    @Override
    TransferException handshakeTimedOut() {
        return new TransferException(
                ErrorCode.UNREACHABLE,
                "a data lane with " + peerHost() + " did not finish its handshake in time");
    }

    @Override
    TransferException explain(Throwable error) {
        return Failures.tls(peerHost(), error)
                .orElseGet(() ->
                        error instanceof java.io.IOException
                                ? new TransferException(
                                        ErrorCode.LANE_LOST,
                                        "a data lane with "
                                                + peerHost()
                                                + " broke: "
                                                + Failures.message(error),
                                        error)
                                : new TransferException(
                                        ErrorCode.INTERNAL,
                                        "a data lane with " + peerHost() + " failed: " + error,
                                        error));
    }

    @Override
    TransferException endedByPeer() {
        var where = lane.map(up -> up.reader().position()).orElse("in its handshake");
        return new TransferException(
                ErrorCode.LANE_LOST, peerHost() + " closed a data lane " + where);
    }

    private static TransferException refused(String why) {
        return new TransferException(ErrorCode.REFUSED, why);
    }
}
