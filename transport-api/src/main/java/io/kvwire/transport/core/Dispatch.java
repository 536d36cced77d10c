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
            default ->
                    session.end(
                            new TransferException(
                                    ErrorCode.of(in.u32()),
                                    "refused by the peer: " + in.text(8192)));
        }
    }

    private void handle(ByteBuffer message) {
        var in = new MessageReader(message);
        int type = in.u8();
        switch (type) {
            case ControlMessages.HEARTBEAT -> in.end();
            case ControlMessages.GOODBYE ->
                    session.end(
                            new TransferException(
                                    ErrorCode.PEER_LOST,
                                    "'" + session.name() + "' closed the connection"));
            case ControlMessages.NOTIFY -> {
                byte[] payload = in.bytes(maxNotification());
                session.node().tell(listener -> listener.notified(session.peer(), payload));
            }
            case ControlMessages.ATTACH -> attach(in.u64(), in.bytes(maxNotification()));
            case ControlMessages.PROGRESS -> progress(in.u8(), in.u64(), in.u64());
            case ControlMessages.DONE -> done(in.u8(), in.u64());
            case ControlMessages.FAILED ->
                    failed(in.u8(), in.u64(), ErrorCode.of(in.u32()), in.text(8192));
            case ControlMessages.CANCEL -> cancel(in.u8(), in.u64());
            case ControlMessages.READ_BLOCKS ->
                    Responder.answer(session, ControlMessages.ReadBlocks.decode(in));
            case ControlMessages.READ_RANGES ->
                    Responder.answer(session, ControlMessages.ReadRanges.decode(in));
            case ControlMessages.LEASE_RENEW -> {
                long sequence = in.u64();
                boolean valid = session.node().leases.renew(in.u64(), in.u64());
                session.send(
                        new MessageWriter(ControlMessages.LEASE_STATE)
                                .u64(sequence)
                                .u8(valid ? 1 : 0));
            }
            case ControlMessages.LEASE_STATE -> {
                var waiting = renewals.remove(in.u64());
                boolean valid = in.u8() != 0;
                if (waiting != null) {
                    waiting.complete(valid);
                }
            }
            case ControlMessages.LEASE_RELEASE -> session.node().leases.release(in.u64());
            case ControlMessages.CACHE -> {
                var cache = Hello.readCache(in, session.remote().incarnation());
                limited(session.remote().caches.size());
                session.remote().caches.put(cache.id(), cache);
            }
            case ControlMessages.REGION -> {
                var region = Hello.readRegion(in);
                limited(session.remote().regions.size());
                session.remote().regions.put(region.id(), region);
            }
            case ControlMessages.WITHDRAWN -> {
                int id = in.u32();
                session.remote().caches.remove(id);
                session.remote().regions.remove(id);
            }
            case ControlMessages.RATE -> {
                long rate = in.u64();
                in.end();
                if (rate < 1) {
                    throw MessageReader.malformed("a rate of " + rate);
                }
                session.coding().rates().peerDecodes((double) rate);
            }
            default -> throw MessageReader.malformed("unknown type " + type);
        }
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

    private void attach(long transferId, byte[] payload) {
        var write = session.inbox().write(transferId);
        if (write != null) {
            write.attach(payload);
        }
    }

    private void progress(int whose, long transferId, long bytes) {
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

    private void done(int whose, long transferId) {
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

    private void failed(int whose, long transferId, ErrorCode code, String message) {
        var transfer = whose == ControlMessages.YOURS ? session.slots.find(transferId) : null;
        if (transfer == null || !transfer.fail(new TransferException(code, message))) {
            session.node().metrics.duplicates.increment();
        }
    }

    private void cancel(int whose, long transferId) {
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
