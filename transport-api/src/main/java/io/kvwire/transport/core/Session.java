package io.kvwire.transport.core;

import io.kvwire.transport.CodecDecision;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.NodeAddress;
import io.kvwire.transport.Peer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.ControlHandler;
import io.kvwire.transport.spi.ControlLink;
import io.kvwire.transport.spi.DataLink;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.LinkHandler;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * One connection to one incarnation of a peer, from its handshake to its end. Both sides say hello,
 * make the data link, and are established when the link is up; then {@link Dispatch} handles
 * control messages, {@link Inbox} frames, {@link Outbox} what is sent.
 */
final class Session implements ControlHandler, LinkHandler {
    private static final System.Logger LOG = System.getLogger("io.kvwire.transport");

    private static final DataLink NO_LINK = new NoLink();

    final Map<Long, ReadReply> replies = new ConcurrentHashMap<>();
    volatile Slots slots = new Slots(1, 0);
    final LinkProbe probe = new LinkProbe(this);
    final Views views = new Views(this);
    final Lendings lendings = new Lendings(this);
    private final LocalNode node;
    private final boolean initiator;
    private final CompletableFuture<Peer> established = new CompletableFuture<>();
    private final CompletableFuture<TransferException> closed = new CompletableFuture<>();
    private final AtomicBoolean ended = new AtomicBoolean();
    private final Dispatch dispatch = new Dispatch(this);
    private final RemotePeer peer = new RemotePeer(this);
    private final Heartbeat heartbeat = new Heartbeat(this);
    private final LinkMessages linkMessages = new LinkMessages(this);
    private final Handshake handshake;
    private final LinkUp linkUp;
    private final RemoteSide remote;
    private volatile ControlLink control;
    private volatile DataLink link = NO_LINK;
    private volatile Coding coding;
    private volatile Inbox inbox;
    private volatile Outbox outbox;
    private volatile boolean up;

    private Session(LocalNode node, boolean initiator, String target) {
        this.node = node;
        this.initiator = initiator;
        remote = new RemoteSide(target);
        handshake = new Handshake(this, node);
        linkUp = new LinkUp(this, node);
    }

    static Session connecting(LocalNode node, NodeAddress address) {
        return new Session(node, true, address.toString());
    }

    static Session accepted(LocalNode node, ControlLink link) {
        var session = new Session(node, false, link.remoteHost());
        session.control = link;
        return session;
    }

    static TransferException peerGone(String name) {
        return new TransferException(
                ErrorCode.PEER_LOST, "the connection to '" + name + "' is gone: connect again");
    }

    static TransferException internal(String what, Throwable cause) {
        LOG.log(System.Logger.Level.ERROR, what, cause);
        return new TransferException(ErrorCode.INTERNAL, what + ": " + cause, cause);
    }

    // ---- handshake ----------------------------------------------------------------------------

    /** The control connection that this side asked for is open, or could not be opened. */
    void controlOpened(ControlLink opened, Throwable failure) {
        if (failure != null) {
            end(LinkUp.asTransfer(failure));
            return;
        }
        control = opened;
        handshake.open();
        if (ended.get()) {
            opened.close(peerGone(remote.target()));
        }
    }

    /** The peer has said hello or welcome: the rest of the session is sized by what it said. */
    void meet(Hello hello, Coding.Agreed codec) {
        var own = Hello.Bounds.of(node.config().limits());
        var both = own.and(hello.bounds());
        coding = new Coding(node, codec, own);
        slots = new Slots(both.transfers(), node.config().limits().maxQueuedTransfers());
        inbox = new Inbox(this, both.transfers());
        outbox = new Outbox(this, both);
        remote.met(hello, own);
    }

    /** The lanes are up; false when the session has ended meanwhile. */
    boolean linked(DataLink made) {
        link = made;
        if (ended.get()) {
            made.close(peerGone(name()));
            return false;
        }
        // Whatever was sent before has been answered by now, or the link would not be up.
        made.messages().ifPresent(control::goOver);
        return true;
    }

    /** Both sides have the link: the session is up, and the application hears of it. */
    void establish() {
        synchronized (dispatch) {
            if (up || ended.get()) {
                return;
            }
            up = true;
            heartbeat.start();
            linkUp.done();
            outbox.open(link);
            if (coding.active() && (coding.automatic() || remote.automatic())) {
                coding.measure(this);
            }
            if (coding.automatic()) {
                probe.start();
            }
            handshake.announceLater();
            node.tell(listener -> listener.connected(peer));
            established.complete(peer);
            dispatch.replay();
        }
    }

    // ---- what the wire tells ------------------------------------------------------------------

    @Override
    public void received(ByteBuffer message) {
        heartbeat.heard();
        try {
            dispatch.received(message, up);
        } catch (TransferException e) {
            if (!up && e.code() != ErrorCode.MALFORMED) {
                send(
                        new MessageWriter(ControlMessages.REJECT)
                                .u32(e.code().number())
                                .text(e.getMessage()));
            }
            end(e);
        } catch (RuntimeException e) {
            end(internal("a control message of '" + name() + "' could not be handled", e));
        }
    }

    @Override
    public InboundFrame begin(ByteBuffer header, long payloadBytes) {
        heartbeat.heard();
        return inbox.begin(header, payloadBytes);
    }

    @Override
    public void laneLost(int lane, TransferException reason) {
        probe.stop();
        long bit = 1L << lane;
        var lost =
                new TransferException(
                        ErrorCode.LANE_LOST,
                        "lane " + lane + " to '" + name() + "' broke: " + reason.getMessage(),
                        reason);
        for (var transfer : slots.active()) {
            if (transfer instanceof WriteTransfer write
                    && write.sender() != null
                    && (write.sender().lanes.get() & bit) != 0) {
                write.fail(lost);
            }
        }
        for (var reply : replies.values()) {
            if (reply.sender() != null && (reply.sender().lanes.get() & bit) != 0) {
                reply.refuse(lost);
            }
        }
    }

    @Override
    public void closed(TransferException reason) {
        end(up ? lost(reason, "is gone") : reason);
    }

    /** What ended the connection, as all hear it who still had to do with the peer. */
    private TransferException lost(TransferException reason, String how) {
        return reason.code() == ErrorCode.PEER_LOST
                ? reason
                : new TransferException(
                        ErrorCode.PEER_LOST,
                        "the connection to '" + name() + "' " + how + ": " + reason.getMessage(),
                        reason);
    }

    /** A frame of a sender came back unsent: if it was wanted, its lane or the peer is gone. */
    void frameLost(Sender sender) {
        if (sender.owner.wanted()) {
            var code = link.lanes() == 0 ? ErrorCode.PEER_LOST : ErrorCode.LANE_LOST;
            var what = "a lane to '" + name() + "' broke before a frame was sent";
            var why = link.lastLoss();
            sender.owner.lost(
                    why.isEmpty()
                            ? new TransferException(code, what)
                            : new TransferException(
                                    code, what + ": " + why.get().getMessage(), why.get()));
        }
    }

    // ---- the end ------------------------------------------------------------------------------

    /** Ends the session with a goodbye. */
    void shut(TransferException reason) {
        if (!ended.get() && control != null) {
            send(new MessageWriter(ControlMessages.GOODBYE));
        }
        end(reason);
    }

    void end(TransferException reason) {
        if (!ended.compareAndSet(false, true)) {
            return;
        }
        node.forget(this);
        linkUp.stop();
        heartbeat.stop();
        var lost = lost(reason, "ended");
        slots.close(lost).forEach(transfer -> transfer.fail(lost));
        List.copyOf(replies.values()).forEach(ReadReply::end);
        lendings.close();
        views.close(lost);
        if (inbox != null) {
            inbox.closeAll(lost);
        }
        dispatch.close(lost);
        link.close(reason);
        if (coding != null) {
            probe.stop();
            coding.close();
        }
        if (control != null) {
            control.close(reason);
        }
        boolean wasUp;
        synchronized (dispatch) {
            wasUp = up;
            up = false;
        }
        established.completeExceptionally(reason);
        closed.complete(lost);
        if (wasUp) {
            node.tell(listener -> listener.disconnected(peer, lost));
        }
    }

    // ---- for the rest of the core ---------------------------------------------------------------

    /** Whether the session has ended, or is about to. */
    boolean over() {
        return ended.get();
    }

    /** The lanes, once they are up. */
    DataLink link() {
        return link;
    }

    LinkMessages linkMessages() {
        return linkMessages;
    }

    Handshake handshake() {
        return handshake;
    }

    LinkUp linkUp() {
        return linkUp;
    }

    boolean initiator() {
        return initiator;
    }

    String remoteHost() {
        return control.remoteHost();
    }

    LocalNode node() {
        return node;
    }

    /** The codec that was agreed on; known once the peer has said hello. */
    Coding coding() {
        return coding;
    }

    /** How blocks of a cache get to the wire, when this was decided about their codec. */
    BlockSender.Way way(CodecDecision decision, PagedCache cache) {
        return new BlockSender.Way(coding, coding.encodes(decision), stages(cache));
    }

    /** Whether blocks of a cache are staged although they travel as they are. */
    boolean stages(PagedCache cache) {
        return cache.stagedOver(remote.path().path());
    }

    Inbox inbox() {
        return inbox;
    }

    Outbox outbox() {
        return outbox;
    }

    CompletableFuture<Peer> established() {
        return established;
    }

    boolean send(MessageWriter message) {
        return send(message.message());
    }

    boolean send(ByteBuffer message) {
        var to = control;
        if (to == null || ended.get()) {
            return false;
        }
        if (!to.send(message)) {
            end(
                    new TransferException(
                            ErrorCode.PEER_LOST,
                            "'"
                                    + name()
                                    + "' does not read its control messages, or its connection is"
                                    + " gone"));
            return false;
        }
        return true;
    }

    void sendFailure(int whose, long transferId, TransferException reason) {
        send(ControlMessages.failed(whose, transferId, reason));
    }

    /** Ends what still uses memory that its owner has withdrawn from this node. */
    void withdrawn(Object memory, TransferException reason) {
        for (var transfer : slots.all()) {
            if (transfer.memory() == memory) {
                transfer.fail(reason);
            }
        }
        for (var reply : replies.values()) {
            if (reply.memory() == memory) {
                reply.refuse(reason);
            }
        }
    }

    String name() {
        return remote.name();
    }

    /** What is known of the peer. */
    RemoteSide remote() {
        return remote;
    }

    boolean connected() {
        return up;
    }

    CompletableFuture<TransferException> closed() {
        return closed.copy();
    }

    /** The connection as the application sees it: always the same object. */
    RemotePeer peer() {
        return peer;
    }

    CompletableFuture<Boolean> renewLease(long leaseId, long timeToLiveNanos) {
        return dispatch.renewLease(leaseId, timeToLiveNanos);
    }

    @Override
    public String toString() {
        return peer.toString();
    }
}
