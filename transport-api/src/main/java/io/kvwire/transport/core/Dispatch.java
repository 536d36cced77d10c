package io.kvwire.transport.core;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOutcome;
import io.kvwire.transport.spi.LinkExchange;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;

/** Handles the control messages of one session, in order. */
final class Dispatch {
    /** Messages that may come between a peer's readiness and this side's. */
    private static final int MAX_EARLY = 4096;

    private static final int MAX_REASON_BYTES = 8192;

    private final Session session;
    private final ArrayDeque<ByteBuffer> early = new ArrayDeque<>();
    private final Map<Long, CompletableFuture<Boolean>> renewals = new ConcurrentHashMap<>();
    private final AtomicLong nextRenewal = new AtomicLong();

    Dispatch(Session session) {
        this.session = session;
    }

    void received(ByteBuffer message, boolean up) {
        int type = message.remaining() == 0 ? 0 : message.get(message.position());
        if ((type >= ControlMessages.HELLO && type <= ControlMessages.REJECT)
                || type == ControlMessages.READY) {
            handshake(type, new MessageReader(message));
            return;
        }
        if (type == ControlMessages.LINK) {
            link(new MessageReader(message));
            return;
        }
        synchronized (this) {
            if (!session.connected()) {
                if (up) {
                    return; // the session has just ended
                }
                if (!session.remote().met() || early.size() == MAX_EARLY) {
                    throw MessageReader.malformed("type " + type + " before the handshake is over");
                }
                early.add(ByteBuffer.allocate(message.remaining()).put(message.duplicate()).flip());
                return;
            }
            handle(message);
        }
    }

    /** What the wires say to each other has its own order, before and after the link is up. */
    private void link(MessageReader in) {
        if (!session.remote().met()) {
            throw MessageReader.malformed("a link message before the handshake");
        }
        in.u8();
        byte[] message = in.bytes(LinkExchange.MAX_BYTES);
        in.end();
        session.linkMessages().received(message);
    }

    /** Handles what came too early; called under this object's lock, once the session is up. */
    void replay() {
        for (var message = early.poll(); message != null; message = early.poll()) {
            handle(message);
        }
    }

    private void handshake(int type, MessageReader in) {
        in.u8();
        switch (type) {
            case ControlMessages.HELLO, ControlMessages.WELCOME -> {
                if (in.u32() != Hello.MAGIC) {
                    throw MessageReader.malformed("no kvwire node is at the other end");
                }
                int version = in.u32();
                if (version != Hello.VERSION) {
                    throw new TransferException(
                            ErrorCode.VERSION_MISMATCH,
                            "the peer speaks"
                                    + " protocol version "
                                    + version
                                    + ", this node "
                                    + Hello.VERSION
                                    + ": use the same release at both ends");
                }
                var hello = Hello.decode(in, session.node().config().limits());
                if (type == ControlMessages.HELLO) {
                    session.handshake().hello(hello);
                } else {
                    session.handshake().welcome(hello);
                }
            }
            case ControlMessages.READY -> {
                in.end();
                session.linkUp().peerReady();
            }
            default -> {
                var code = ErrorCode.of(in.u32());
                var reason = in.text(MAX_REASON_BYTES);
                in.end();
                session.end(new TransferException(code, "refused by the peer: " + reason));
            }
        }
    }

    private void handle(ByteBuffer message) {
        var in = new MessageReader(message);
        int type = in.u8();
        switch (type) {
            case ControlMessages.HEARTBEAT -> in.end();
            case ControlMessages.GOODBYE -> goodbye(in);
            case ControlMessages.NOTIFY -> notified(in);
            case ControlMessages.ATTACH -> attach(in);
            case ControlMessages.PROGRESS -> progress(in);
            case ControlMessages.DONE -> done(in);
            case ControlMessages.FAILED -> failed(in);
            case ControlMessages.CANCEL -> cancel(in);
            case ControlMessages.READ_BLOCKS ->
                    Responder.answer(session, ControlMessages.ReadBlocks.decode(in));
            case ControlMessages.READ_RANGES ->
                    Responder.answer(session, ControlMessages.ReadRanges.decode(in));
            case ControlMessages.LEASE_RENEW -> leaseRenewal(in);
            case ControlMessages.LEASE_STATE -> leaseState(in);
            case ControlMessages.LEASE_RELEASE -> leaseReleased(in);
            case ControlMessages.CACHE -> cache(in);
            case ControlMessages.REGION -> region(in);
            case ControlMessages.WITHDRAWN -> withdrawn(in);
            case ControlMessages.RATE -> rate(in);
            case ControlMessages.PROBED -> probed(in);
            case ControlMessages.VIEW -> session.lendings.asked(ViewMessages.Ask.decode(in));
            case ControlMessages.VIEWED -> session.views.answered(ViewMessages.Answer.decode(in));
            case ControlMessages.VIEW_ENDED -> viewEnded(in);
            case ControlMessages.VIEW_CLOSED -> viewClosed(in);
            default -> throw MessageReader.malformed("unknown type " + type);
        }
    }

    // ---- one message each: read to its end before anything is done about it -------------------

    private void goodbye(MessageReader in) {
        in.end();
        session.end(
                new TransferException(
                        ErrorCode.PEER_LOST, "'" + session.name() + "' closed the connection"));
    }

    private void notified(MessageReader in) {
        byte[] payload = in.bytes(maxNotification());
        in.end();
        session.node().tell(listener -> listener.notified(session.peer(), payload));
    }

    private void attach(MessageReader in) {
        long transferId = in.u64();
        byte[] payload = in.bytes(maxNotification());
        in.end();
        var write = session.inbox().write(transferId);
        if (write != null) {
            write.attach(payload);
        }
    }

    private void progress(MessageReader in) {
        int whose = in.u8();
        long transferId = in.u64();
        long bytes = in.u64();
        in.end();
        if (whose == ControlMessages.YOURS) {
            if (session.slots.find(transferId) instanceof WriteTransfer write
                    && write.sender() != null) {
                write.sender().confirm(session.outbox(), bytes);
            }
        } else {
            var reply = session.replies.get(transferId);
            if (reply != null && reply.sender() != null) {
                reply.sender().confirm(session.outbox(), bytes);
                reply.carried();
            }
        }
        session.outbox().pump();
    }

    private void done(MessageReader in) {
        int whose = in.u8();
        long transferId = in.u64();
        in.end();
        if (whose == ControlMessages.YOURS) {
            var transfer = session.slots.find(transferId);
            if (!(transfer instanceof WriteTransfer) || !transfer.end(new TransferOutcome.Done())) {
                session.node().metrics.duplicates.increment();
            }
        } else {
            var reply = session.replies.get(transferId);
            if (reply != null) {
                reply.end();
            }
        }
        session.outbox().pump();
    }

    private void failed(MessageReader in) {
        int whose = in.u8();
        long transferId = in.u64();
        var reason = reason(in);
        in.end();
        var transfer = whose == ControlMessages.YOURS ? session.slots.find(transferId) : null;
        if (transfer == null || !transfer.fail(reason)) {
            session.node().metrics.duplicates.increment();
        }
    }

    private void cancel(MessageReader in) {
        int whose = in.u8();
        long transferId = in.u64();
        in.end();
        if (whose != ControlMessages.MINE) {
            throw MessageReader.malformed("a cancel of this node's own transfer");
        }
        var reply = session.replies.get(transferId);
        if (reply != null) {
            reply.end();
            session.outbox().pump();
            return;
        }
        var write = session.inbox().write(transferId);
        if (write != null) {
            write.end(
                    new TransferException(
                            ErrorCode.CANCELLED, "'" + session.name() + "' gave the transfer up"));
        }
    }

    private void leaseRenewal(MessageReader in) {
        long sequence = in.u64();
        long leaseId = in.u64();
        long timeToLiveNanos = in.u64();
        in.end();
        boolean valid = session.node().leases.renew(leaseId, timeToLiveNanos);
        session.send(
                new MessageWriter(ControlMessages.LEASE_STATE).u64(sequence).u8(valid ? 1 : 0));
    }

    private void leaseState(MessageReader in) {
        long sequence = in.u64();
        boolean valid = in.u8() != 0;
        in.end();
        var waiting = renewals.remove(sequence);
        if (waiting != null) {
            waiting.complete(valid);
        }
    }

    private void leaseReleased(MessageReader in) {
        long leaseId = in.u64();
        in.end();
        session.node().leases.release(leaseId);
    }

    private void cache(MessageReader in) {
        var cache = Hello.readCache(in, session.remote().incarnation());
        in.end();
        limited(session.remote().caches.size());
        session.remote().caches.put(cache.id(), cache);
    }

    private void region(MessageReader in) {
        var region = Hello.readRegion(in);
        in.end();
        limited(session.remote().regions.size());
        session.remote().regions.put(region.id(), region);
    }

    private void withdrawn(MessageReader in) {
        int id = in.u32();
        in.end();
        session.remote().caches.remove(id);
        session.remote().regions.remove(id);
    }

    private void rate(MessageReader in) {
        long rate = in.u64();
        in.end();
        if (rate < 1) {
            throw MessageReader.malformed("a rate of " + rate);
        }
        session.coding().rates().peerDecodes((double) rate);
    }

    private void probed(MessageReader in) {
        long bytes = in.u64();
        in.end();
        session.probe.confirmed(bytes);
    }

    private void viewEnded(MessageReader in) {
        long viewId = in.u64();
        var reason = reason(in);
        in.end();
        session.views.ended(viewId, reason);
    }

    private void viewClosed(MessageReader in) {
        long viewId = in.u64();
        in.end();
        session.lendings.closed(viewId);
    }

    private static TransferException reason(MessageReader in) {
        return new TransferException(ErrorCode.of(in.u32()), in.text(MAX_REASON_BYTES));
    }

    private int maxNotification() {
        return session.node().config().limits().maxNotificationBytes();
    }

    private void limited(int size) {
        if (size >= session.node().config().limits().maxRegions()) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "'"
                            + session.name()
                            + "' announces more regions than this node accepts (maxRegions)");
        }
    }

    // ---- for the rest of the session ----------------------------------------------------------

    CompletableFuture<Boolean> renewLease(long leaseId, long timeToLiveNanos) {
        long sequence = nextRenewal.incrementAndGet();
        var answer = new CompletableFuture<Boolean>();
        renewals.put(sequence, answer);
        if (!session.send(
                new MessageWriter(ControlMessages.LEASE_RENEW)
                        .u64(sequence)
                        .u64(leaseId)
                        .u64(timeToLiveNanos))) {
            renewals.remove(sequence);
            answer.completeExceptionally(Session.peerGone(session.name()));
        }
        return answer;
    }

    void close(TransferException reason) {
        renewals.values().forEach(waiting -> waiting.completeExceptionally(reason));
        renewals.clear();
    }
}
