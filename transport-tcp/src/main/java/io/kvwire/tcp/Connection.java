package io.kvwire.tcp;

import io.kvwire.tcp.ffi.VectorCalls;
import io.kvwire.transport.TransferException;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.unix.UnixChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslHandler;
import io.netty.handler.ssl.SslHandshakeCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.Future;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.Optional;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;

import javax.net.ssl.SSLPeerUnverifiedException;

/**
 * One TCP connection: what arrives goes to its {@link Inlet}, and it goes down exactly once, with
 * the first reason. Confined to the event loop of its channel.
 */
abstract class Connection extends ChannelInboundHandlerAdapter {
    private static final Logger LOG = LoggerFactory.getLogger(Connection.class);

    private static final long CLOSE_NOTIFY_MILLIS = 500;

    private final Channel channel;
    private Optional<ScatterBuffer> in = Optional.empty();
    private final Optional<SslHandler> tls;
    private Optional<TransferException> failure = Optional.empty();
    private boolean down;
    private Optional<Future<?>> handshakeTimer = Optional.empty();

    Connection(Channel channel, Optional<SslHandler> tls) {
        this.channel = channel;
        this.tls = tls;
    }

    /** {@return what takes the first bytes of the connection} */
    abstract Inlet firstInlet();

    /**
     * Puts the connection into the pipeline of its channel, and limits the time until {@link
     * #established}.
     */
    final void install(long handshakeNanos) {
        var buffer = new ScatterBuffer(firstInlet());
        in = Optional.of(buffer);
        if (tls.isPresent()) {
            tls.get().setHandshakeTimeout(handshakeNanos, TimeUnit.NANOSECONDS);
            tls.get().setCloseNotifyFlushTimeout(CLOSE_NOTIFY_MILLIS, TimeUnit.MILLISECONDS);
            channel.pipeline().addLast(tls.get());
        } else {
            channel.config().setRecvByteBufAllocator(new InletReads(channel, buffer));
        }
        channel.pipeline().addLast(this);
        handshakeTimer =
                Optional.of(
                        channel.eventLoop()
                                .schedule(
                                        () -> fail(handshakeTimedOut()),
                                        handshakeNanos,
                                        TimeUnit.NANOSECONDS));
    }

    /** {@return the handler of TLS on the accepting side} */
    static Optional<SslHandler> serverTls(Channel channel, Optional<TlsContexts> contexts) {
        return contexts.map(both -> handler(both.server(), channel));
    }

    /** {@return the handler of TLS on the connecting side} */
    static Optional<SslHandler> clientTls(Channel channel, Optional<TlsContexts> contexts) {
        return contexts.map(both -> handler(both.client(), channel));
    }

    private static SslHandler handler(SslContext context, Channel channel) {
        return context.newHandler(channel.alloc());
    }

    /** The connection can carry bytes; with TLS, both sides have shown their certificates. */
    abstract void connected(ChannelHandlerContext context);

    /** {@return why a connection that did not finish its handshake in time is closed} */
    abstract TransferException handshakeTimedOut();

    /** {@return what an error means} */
    abstract TransferException explain(Throwable error);

    /** {@return why a connection that the other side closed is gone} */
    abstract TransferException endedByPeer();

    /** The connection is gone; called once. */
    abstract void gone(TransferException reason);

    /** Ends the limit on the time of the handshake. */
    final void established() {
        handshakeTimer.ifPresent(timer -> timer.cancel(false));
        handshakeTimer = Optional.empty();
    }

    /**
     * Has the loop of a channel do something, unless the node's loops have ended: then the channel
     * is closed, and there is nothing left to do. A thread of another wire may come as late as
     * that.
     */
    static void onLoop(Channel channel, Runnable task) {
        try {
            channel.eventLoop().execute(task);
        } catch (RejectedExecutionException e) {
            LOG.debug("{} is closed, and its loop has ended", channel, e);
        }
    }

    /** Closes the connection; any thread. */
    final void fail(TransferException reason) {
        if (!channel.eventLoop().inEventLoop()) {
            onLoop(channel, () -> fail(reason));
            return;
        }
        if (failure.isEmpty()) {
            failure = Optional.of(reason);
        }
        channel.close();
    }

    /**
     * {@return pieces for the channel: addresses where it takes system calls of our own, and no TLS
     * has to see the bytes; else buffers}
     *
     * @param capacity how many, at most {@link VectorCalls#MAX_PIECES}
     */
    final Pieces pieces(int capacity) {
        return tls.isEmpty() && channel instanceof UnixChannel socket
                ? new VectorPieces(socket, capacity)
                : new BufferPieces(capacity);
    }

    final Channel channel() {
        return channel;
    }

    final Optional<SslHandler> tls() {
        return tls;
    }

    final boolean failed() {
        return failure.isPresent();
    }

    /** {@return the subject of the other side's certificate, or empty without TLS} */
    final String identity() {
        if (tls.isEmpty()) {
            return "";
        }
        try {
            return tls.get().engine().getSession().getPeerPrincipal().getName();
        } catch (SSLPeerUnverifiedException e) {
            throw explain(e);
        }
    }

    /** {@return the other side's address, numeric} */
    final String peerHost() {
        return channel.remoteAddress() instanceof InetSocketAddress address
                ? address.getAddress().getHostAddress()
                : "";
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        if (tls.isEmpty()) {
            connected(context);
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof SslHandshakeCompletionEvent completion) {
            if (completion.isSuccess()) {
                connected(context);
            } else {
                fail(explain(completion.cause()));
            }
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        try {
            if (failure.isPresent()) {
                return;
            }
            if (message instanceof ScatterBuffer scattered) {
                scattered.arrived();
            } else if (message instanceof ByteBuf bytes) {
                for (var buffer : bytes.nioBuffers()) {
                    in.orElseThrow().copyFrom(buffer);
                }
            }
        } finally {
            ReferenceCountUtil.release(message);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable error) {
        var cause = error instanceof UncheckedIOException wrapped ? wrapped.getCause() : error;
        fail(cause instanceof TransferException known ? known : explain(cause));
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        goDown();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        goDown();
    }

    private void goDown() {
        if (!down) {
            down = true;
            established();
            var reason = failure.orElseGet(this::endedByPeer);
            failure = Optional.of(reason);
            in.orElseThrow().inlet().end();
            gone(reason);
        }
    }
}
