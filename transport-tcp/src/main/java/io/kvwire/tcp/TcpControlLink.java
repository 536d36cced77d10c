package io.kvwire.tcp;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.Limits;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;
import io.kvwire.transport.spi.MessageLane;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.socket.DuplexChannel;
import io.netty.handler.ssl.SslHandler;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;

/**
 * One control connection. The accepting side speaks first: its preface tells the connecting side
 * that it is welcome, certificate and all; the answer is a preface as well, and then messages may
 * go both ways.
 *
 * <p>{@link #send} and {@link #close} may be called by any thread; the handler is called by the
 * event loop of the connection, and by whatever threads a faster way for messages has.
 */
final class TcpControlLink extends Connection implements ControlLink {
    private static final Logger LOG = LoggerFactory.getLogger(TcpControlLink.class);
    private static final ByteBuffer EMPTY = ByteBuffer.allocate(0);

    /** How many of the longest messages may wait. */
    private static final int WAITING_MESSAGES = 4;

    /** How long a closing link waits until the other side has everything. */
    private static final long LINGER_MILLIS = 250;

    private final Limits limits;
    private final ControlReader reader;
    private final ControlOutlet outlet;
    private final Pump pump;
    private final CompletableFuture<ControlLink> ready = new CompletableFuture<>();
    private final CompletableFuture<Void> finished = new CompletableFuture<>();
    private final CompletableFuture<Void> quiet = new CompletableFuture<>();

    /** Where the other side listens; empty on the accepting side. */
    private final Optional<NodeAddress> address;

    private final Function<ControlLink, ControlHandler> opener;
    private final Optional<TransferException> refusal;
    private volatile Optional<ControlHandler> handler = Optional.empty();
    private Optional<TransferException> closing = Optional.empty();
    private volatile Optional<MessageLane> faster = Optional.empty();
    private volatile boolean left;
    private volatile String identity = "";
    private volatile String host = "";

    private TcpControlLink(Channel channel, Limits limits, Optional<SslHandler> tls, Role role) {
        super(channel, tls);
        this.limits = limits;
        address = role.address;
        opener = role.opener;
        refusal = role.refusal;
        reader = new ControlReader(limits.maxControlBytes(), this::received);
        outlet =
                new ControlOutlet(
                        WAITING_MESSAGES * (limits.maxControlBytes() + ControlFrame.HEADER_BYTES),
                        () -> onLoop(channel, this::drained));
        pump = new Pump(channel, outlet);
    }

    private record Role(
            Optional<NodeAddress> address,
            Function<ControlLink, ControlHandler> opener,
            Optional<TransferException> refusal) {}

    /**
     * {@return the accepting side of a link}
     *
     * @param refusal told to the other side instead of a preface
     * @param opener gives the handler once the other side has shown who it is
     */
    static TcpControlLink accepting(
            Channel channel,
            Limits limits,
            Optional<TlsContexts> tls,
            Optional<TransferException> refusal,
            Function<ControlLink, ControlHandler> opener) {
        return new TcpControlLink(
                channel,
                limits,
                serverTls(channel, tls),
                new Role(Optional.empty(), opener, refusal));
    }

    /** {@return the connecting side of a link} */
    static TcpControlLink connecting(
            Channel channel,
            Limits limits,
            Optional<TlsContexts> tls,
            NodeAddress address,
            ControlHandler handler) {
        return new TcpControlLink(
                channel,
                limits,
                clientTls(channel, tls),
                new Role(Optional.of(address), _ -> handler, Optional.empty()));
    }

    /** {@return completes when both sides go on} */
    CompletableFuture<ControlLink> ready() {
        return ready;
    }

    /** {@return completes when the connection is gone and the handler has been told} */
    CompletableFuture<Void> finished() {
        return finished;
    }

    /** {@return completes when messages no longer come over this connection} */
    CompletableFuture<Void> quiet() {
        return quiet;
    }

    @Override
    public String remoteIdentity() {
        return identity;
    }

    @Override
    public String remoteHost() {
        return host;
    }

    @Override
    public boolean send(ByteBuffer message) {
        if (message.remaining() > limits.maxControlBytes()) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "a control message of "
                            + message.remaining()
                            + " bytes: at most "
                            + limits.maxControlBytes()
                            + " (maxControlBytes)");
        }
        return faster.isPresent()
                ? !left && faster.get().send(message)
                : offer(ControlFrame.Kind.MESSAGE, message);
    }

    @Override
    public void goOver(MessageLane way) {
        var node = handler.orElseThrow();
        faster = Optional.of(way);
        quiet.complete(null);
        way.receive(message -> {
            if (!left) {
                node.received(message);
            }
        });
    }

    @Override
    public void close(TransferException reason) {
        left = true;
        outlet.refuse();
        onLoop(channel(), () -> startClosing(reason));
    }

    @Override
    Inlet firstInlet() {
        return reader;
    }

    @Override
    void connected(ChannelHandlerContext context) {
        host = peerHost();
        identity = identity();
        if (tls().isPresent()) {
            pump.encrypt(context);
        }
        if (refusal.isPresent()) {
            refuse(refusal.get());
        } else if (speaksFirst()) {
            offer(ControlFrame.Kind.PREFACE, EMPTY);
        }
    }

    /**
     * With TLS the connecting side waits for the other's preface: only then has its certificate
     * been accepted. Without, it speaks at once, so that a node that wants TLS finds out.
     */
    private boolean speaksFirst() {
        return address.isEmpty() || tls().isEmpty();
    }

    @Override
    TransferException handshakeTimedOut() {
        return new TransferException(
                address.isPresent() ? ErrorCode.UNREACHABLE : ErrorCode.REFUSED,
                peer()
                        + " did not finish the handshake within "
                        + limits.handshakeTimeout().toMillis()
                        + " ms (handshakeTimeout)"
                        + hint());
    }

    @Override
    TransferException explain(Throwable error) {
        return Failures.tls(peer(), error)
                .orElseGet(() -> {
                    if (!(error instanceof IOException)) {
                        return new TransferException(
                                ErrorCode.INTERNAL,
                                "the control link with " + peer() + " failed: " + error,
                                error);
                    }
                    var what = Failures.message(error);
                    return handler.isPresent()
                            ? new TransferException(
                                    ErrorCode.PEER_LOST,
                                    "the control link with " + peer() + " broke: " + what,
                                    error)
                            : new TransferException(
                                    ErrorCode.REFUSED,
                                    peer() + " broke off the handshake: " + what + hint(),
                                    error);
                });
    }

    @Override
    TransferException endedByPeer() {
        if (closing.isPresent()) {
            return closing.get();
        }
        if (handler.isEmpty()) {
            return new TransferException(
                    ErrorCode.REFUSED,
                    peer() + " closed the connection during the handshake" + hint());
        }
        return new TransferException(
                ErrorCode.PEER_LOST,
                peer()
                        + " closed the control link"
                        + (reader.inMessage() ? " in the middle of a message" : ""));
    }

    @Override
    void gone(TransferException reason) {
        pump.end();
        if (handler.isPresent()) {
            var node = handler.get();
            faster.ifPresentOrElse(
                    way -> way.end(() -> node.closed(reason)), () -> node.closed(reason));
        } else if (address.isEmpty()) {
            LOG.warn("refused a control connection: {}", reason.getMessage());
        }
        ready.completeExceptionally(reason);
        quiet.complete(null);
        finished.complete(null);
    }

    private void received(ControlFrame.Kind kind, ByteBuffer message) {
        if (closing.isPresent() || failed()) {
            return;
        }
        switch (kind) {
            case MESSAGE ->
                    handler.orElseThrow(() -> malformed("a message comes before the preface"))
                            .received(message);
            case PREFACE -> preface(message);
            case REFUSAL -> throw ControlFrame.refused(peer(), message);
        }
    }

    private void preface(ByteBuffer message) {
        if (handler.isPresent() || message.hasRemaining()) {
            throw malformed("a preface comes twice, or is not empty");
        }
        established();
        if (!speaksFirst()) {
            offer(ControlFrame.Kind.PREFACE, EMPTY);
        }
        handler = Optional.of(opener.apply(this));
        LOG.info(
                "control link {} {}, {}",
                address.isPresent() ? "to" : "from",
                peer(),
                identity.isEmpty() ? "without TLS" : "with TLS, the peer is " + identity);
        ready.complete(this);
    }

    private void refuse(TransferException reason) {
        offer(ControlFrame.Kind.REFUSAL, ControlFrame.refusal(reason));
        outlet.refuse();
        startClosing(reason);
    }

    private boolean offer(ControlFrame.Kind kind, ByteBuffer message) {
        var offer = outlet.offer(kind, message);
        if (offer == ControlOutlet.Offer.WAKE) {
            pump.kick();
        }
        return offer != ControlOutlet.Offer.REFUSED;
    }

    private void startClosing(TransferException reason) {
        if (closing.isPresent() || failed()) {
            return;
        }
        closing = Optional.of(reason);
        channel().eventLoop().schedule(() -> fail(reason), LINGER_MILLIS, TimeUnit.MILLISECONDS);
        if (outlet.empty()) {
            drained();
        }
    }

    /** Everything is out: says so to the other side, which closes in turn when it has read it. */
    private void drained() {
        if (closing.isEmpty() || failed()) {
            return;
        }
        if (tls().isPresent()) {
            tls().get().closeOutbound();
        } else {
            ((DuplexChannel) channel()).shutdownOutput();
        }
    }

    private String peer() {
        return address.map(NodeAddress::toString).orElseGet(this::peerHost);
    }

    private String hint() {
        return address.isEmpty()
                ? ""
                : "; check that a node of kvwire listens there, and that both "
                        + "sides use TLS with certificates that the other trusts, or neither does";
    }

    private TransferException malformed(String what) {
        return new TransferException(
                ErrorCode.MALFORMED, what + "; the link with " + peer() + " is closed");
    }
}
