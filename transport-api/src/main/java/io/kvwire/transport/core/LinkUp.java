package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.PathReport;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DataLink;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Future;

/**
 * From the first message of a session to the moment at which both sides use its link: waits for the
 * lanes and for the peer, and for neither longer than the limit. Thread-safe.
 */
final class LinkUp {
    private static final System.Logger LOG = System.getLogger("io.kvwire.transport");

    private final Session session;
    private final LocalNode node;
    private final Future<?> timer;
    private volatile boolean linked;
    private volatile boolean peerReady;

    LinkUp(Session session, LocalNode node) {
        this.session = session;
        this.node = node;
        timer = node.after(node.config().limits().handshakeTimeout().toNanos(), this::late);
    }

    private void late() {
        if (!session.connected()) {
            session.end(
                    new TransferException(
                            ErrorCode.UNREACHABLE,
                            "no connection with "
                                    + session.remote().target()
                                    + " within "
                                    + node.config().limits().handshakeTimeout()
                                    + ": is a kvwire node listening there?"));
        }
    }

    /** The path is chosen, and its lanes are being made. */
    void linking(PathReport chosen, CompletableFuture<DataLink> lanes) {
        session.remote().reachedBy(chosen);
        var _ =
                lanes.whenComplete((made, failure) -> {
                    try {
                        linked(made, failure);
                    } catch (TransferException e) {
                        session.end(e); // what the peer said before the lanes were up
                    } catch (RuntimeException e) {
                        session.end(Session.internal("bringing up the link failed", e));
                    }
                });
    }

    private void linked(DataLink made, Throwable failure) {
        if (failure != null) {
            session.end(asTransfer(failure));
            return;
        }
        if (!session.linked(made)) {
            return;
        }
        session.remote().reachedBy(made);
        linked = true;
        if (!session.initiator()) {
            session.establish();
            session.send(new MessageWriter(ControlMessages.READY));
        } else if (peerReady) {
            session.establish();
        }
    }

    /** The accepting side's lanes are up. */
    void peerReady() {
        peerReady = true;
        if (session.initiator() && linked) {
            session.establish();
        }
    }

    static TransferException asTransfer(Throwable failure) {
        var cause = failure instanceof CompletionException wrapped ? wrapped.getCause() : failure;
        return cause instanceof TransferException known
                ? known
                : new TransferException(ErrorCode.UNREACHABLE, String.valueOf(cause), cause);
    }

    /** Both sides have the link. */
    void done() {
        stop();
        var path = session.remote().path();
        LOG.log(
                System.Logger.Level.INFO,
                () ->
                        "'"
                                + node.name()
                                + "' reaches '"
                                + session.name()
                                + "' over "
                                + path.path()
                                + ", "
                                + path.lanes()
                                + " lanes, codec "
                                + session.coding().name()
                                + " ("
                                + path.reason()
                                + ") "
                                + path.details());
    }

    /** Waits no longer. */
    void stop() {
        timer.cancel(false);
    }
}
