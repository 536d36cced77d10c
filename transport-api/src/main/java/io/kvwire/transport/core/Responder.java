package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;

import java.util.List;
import java.util.Optional;

/** Answers the READs of a peer: checks, pins, and sends; or refuses. */
final class Responder {
    private Responder() {}

    static void answer(Session session, ControlMessages.ReadBlocks ask) {
        if (!session.inbox().firstAsked(ask.transferId())) {
            return;
        }
        try {
            send(session, ask);
        } catch (TransferException e) {
            session.node().metrics.framesRefused.increment();
            session.sendFailure(ControlMessages.YOURS, ask.transferId(), e);
        }
    }

    private static void send(Session session, ControlMessages.ReadBlocks ask) {
        checkRoom(session);
        var cache = Grants.readable(session.node(), ask.sourceCache());
        var target = session.remote().caches.get(ask.targetCache());
        if (target == null) {
            throw new TransferException(
                    ErrorCode.UNKNOWN_REGION,
                    "the reader never announced its cache " + ask.targetCache());
        }
        var plan = LayoutPlan.between(cache.layout(), target.layout());
        var tokens = new TokenRange(ask.firstToken(), ask.tokens());
        int block = cache.layout().tokensPerBlock();
        int count = ask.ids().length;
        if (ask.firstBlock() != tokens.first() / block
                || ask.firstBlock() > BlockTable.MAX_BLOCKS
                || count != cache.layout().blocksFor(tokens.end()) - ask.firstBlock()) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    count
                            + " blocks from "
                            + ask.firstBlock()
                            + " for tokens "
                            + tokens.first()
                            + " + "
                            + tokens.count());
        }
        int[] ids = new int[ask.firstBlock() + count];
        System.arraycopy(ask.ids(), 0, ids, ask.firstBlock(), count);
        int[] generations = new int[ids.length];
        System.arraycopy(ask.generations(), 0, generations, ask.firstBlock(), count);
        var table = BlockTable.of(session.node().incarnation(), ids, generations);
        var leases = session.node().leases;
        var lease =
                ask.leaseId() == 0
                        ? Optional.<Leases.Held>empty()
                        : Optional.of(
                                leases.covering(
                                        ask.leaseId(), cache, table, ask.firstBlock(), count));
        cache.ledger().pinAll(table, ask.firstBlock(), count);
        var reply =
                new ReadReply(
                        session,
                        ask.transferId(),
                        lease,
                        new Pinned(
                                cache,
                                () -> cache.ledger().unpinAll(table, ask.firstBlock(), count)));
        long bytes = plan.bytes(tokens.count());
        var decision =
                session.coding().decide(bytes, session.remote().bounds().frameBytes(), false);
        session.node().metrics.sends(decision);
        var sender =
                new BlockSender(
                        reply,
                        ask.transferId(),
                        ask.requestId(),
                        bytes,
                        new BlockSender.Flags(
                                ask.checksum(), false, null, session.way(decision, cache)),
                        new BlockSender.What(
                                cache, table, plan, ask.targetCache(), Optional.empty()));
        sender.allReady(tokens);
        start(session, reply, sender, ask.deadlineNanos());
    }

    static void answer(Session session, ControlMessages.ReadRanges ask) {
        if (!session.inbox().firstAsked(ask.transferId())) {
            return;
        }
        try {
            send(session, ask);
        } catch (TransferException e) {
            session.node().metrics.framesRefused.increment();
            session.sendFailure(ControlMessages.YOURS, ask.transferId(), e);
        }
    }

    private static void send(Session session, ControlMessages.ReadRanges ask) {
        checkRoom(session);
        var region = Grants.readable(session.node(), ask.region(), ask.generation());
        for (var range : ask.ranges()) {
            if (!MemoryRegion.inside(
                    region.byteSize(),
                    range.sourceOffset(),
                    range.sourceStride(),
                    range.length(),
                    range.count())) {
                throw Requests.leaves("remote", region.byteSize(), range.sourceOffset(), range);
            }
        }
        long bytes = Inbox.totalBytes(ask.ranges());
        if (bytes < 0) {
            throw new TransferException(ErrorCode.OUT_OF_RANGE, "the ranges add up to no length");
        }
        Grants.pin(region);
        var reply =
                new ReadReply(
                        session,
                        ask.transferId(),
                        Optional.empty(),
                        new Pinned(region, region::unpin));
        var sender =
                new RangeSender(
                        reply,
                        ask.transferId(),
                        ask.requestId(),
                        bytes,
                        new BlockSender.Flags(ask.checksum(), false),
                        new RangeSender.What(
                                region.segment(), List.copyOf(ask.ranges()), 0, 0, false));
        start(session, reply, sender, ask.deadlineNanos());
    }

    private static void checkRoom(Session session) {
        int most = session.node().config().limits().maxTransfersPerPeer();
        if (session.replies.size() >= most) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "the peer runs " + most + " reads already (maxTransfersPerPeer)");
        }
    }

    private static void start(Session session, ReadReply reply, Sender sender, long deadlineNanos) {
        session.replies.put(reply.transferId, reply);
        reply.start(sender, Math.max(1, deadlineNanos));
        if (session.over()) { // it may have ended the replies before it could see this one
            reply.end();
        }
    }
}
