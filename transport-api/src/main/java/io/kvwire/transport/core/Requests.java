package io.kvwire.transport.core;

import io.kvwire.transport.BlockTable;
import io.kvwire.transport.BlockTransfer;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.KvStream;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.RangeTransfer;
import io.kvwire.transport.RemoteCache;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.Transfer;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferOptions;

import java.util.Optional;

/** Checks what the application asks a peer for, pins the local memory, and submits it. */
final class Requests {
    private final Session session;

    Requests(Session session) {
        this.session = session;
    }

    void checkNotification(byte[] payload) {
        int most = session.remote().bounds().notificationBytes();
        if (payload.length > most) {
            throw new TransferException(
                    ErrorCode.OUT_OF_RANGE,
                    "a notification of "
                            + payload.length
                            + " bytes: at most "
                            + most
                            + " (maxNotificationBytes)");
        }
    }

    /** A checked transfer of blocks: how they map, and which local blocks are pinned. */
    private record Checked(
            PagedCache cache, LayoutPlan plan, TokenRange tokens, int first, int count) {
        void unpin(BlockTransfer blocks) {
            cache.ledger().unpinAll(blocks.localBlocks(), first, count);
        }
    }

    private Checked check(BlockTransfer blocks, TransferOptions options, boolean write) {
        options.notification().ifPresent(this::checkNotification);
        if (!(blocks.local() instanceof PagedCache cache) || cache.withdrawn() || !owns(cache)) {
            throw new TransferException(
                    ErrorCode.UNKNOWN_REGION,
                    blocks.local()
                            + " is not registered with node '"
                            + session.node().name()
                            + "'");
        }
        requireCurrent(session, blocks.remote(), blocks.remoteBlocks());
        var plan =
                write
                        ? LayoutPlan.between(cache.layout(), blocks.remote().layout())
                        : LayoutPlan.between(blocks.remote().layout(), cache.layout());
        int first = blocks.firstToken() / cache.layout().tokensPerBlock();
        int count = cache.layout().blocksFor(blocks.firstToken() + blocks.tokens()) - first;
        if (blocks.tokens() == 0) {
            count = 0;
        }
        cache.ledger().pinAll(blocks.localBlocks(), first, count);
        return new Checked(
                cache, plan, new TokenRange(blocks.firstToken(), blocks.tokens()), first, count);
    }

    /** Refuses what the application has from before the peer's restart. */
    static void requireCurrent(Session session, RemoteCache cache, BlockTable blocks) {
        if (blocks.incarnation() != cache.incarnation()
                || cache.incarnation() != session.remote().incarnation()) {
            throw new TransferException(
                    ErrorCode.STALE,
                    "the remote block table or cache is of"
                            + " another incarnation of '"
                            + session.name()
                            + "': ask for a new one");
        }
    }

    /** Refuses a list of blocks or ranges that is too long for one message. */
    static void requireRoom(Session session, int bytes, String what) {
        int most = session.remote().bounds().controlBytes();
        if (bytes > most) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "the list of what to %s takes %d bytes and a control message at most %d"
                                    .formatted(what, bytes, most)
                            + " (maxControlBytes): %s in several parts".formatted(what));
        }
    }

    /** Whether the transfer that has just begun is the only one. */
    private boolean alone() {
        return session.slots.running() == 1 && session.replies.isEmpty();
    }

    private boolean owns(PagedCache cache) {
        return session.node().registry().caches().contains(cache);
    }

    private Transfer submit(OngoingTransfer transfer) {
        session.node().metrics.active.increment();
        transfer.watchDeadline();
        session.slots.submit(transfer);
        return transfer;
    }

    Transfer write(BlockTransfer blocks, TransferOptions options) {
        var checked = check(blocks, options, true);
        return submit(
                blockWrite(
                        blocks,
                        options,
                        checked,
                        true,
                        (sender, done) -> {
                            sender.allReady(checked.tokens);
                        }));
    }

    /** What to do with the sender of a WRITE once the transfer has its slot. */
    private interface Opened {
        void opened(BlockSender sender, WriteTransfer transfer);
    }

    private WriteTransfer blockWrite(
            BlockTransfer blocks,
            TransferOptions options,
            Checked checked,
            boolean whole,
            Opened opened) {
        long bytes = checked.plan.bytes(checked.tokens.count());
        return new WriteTransfer(
                session,
                options,
                checked.count,
                bytes,
                transfer -> {
                    boolean alone = whole && session.coding().automatic() && alone();
                    var decision =
                            session.coding()
                                    .decide(bytes, session.remote().bounds().frameBytes(), alone);
                    transfer.decided(decision);
                    if (alone) {
                        transfer.watched(session.coding().experience().watch(decision, bytes));
                    }
                    var flags =
                            new BlockSender.Flags(
                                    options.checksum(),
                                    options.notification().isPresent(),
                                    transfer.traceLog(),
                                    session.way(decision, checked.cache));
                    var sender =
                            new BlockSender(
                                    transfer,
                                    transfer.id(),
                                    blocks.requestId(),
                                    bytes,
                                    flags,
                                    new BlockSender.What(
                                            checked.cache,
                                            blocks.localBlocks(),
                                            checked.plan,
                                            blocks.remote().id(),
                                            Optional.of(blocks.remoteBlocks())));
                    opened.opened(sender, transfer);
                    return sender;
                },
                new Pinned(checked.cache, () -> checked.unpin(blocks)));
    }

    KvStream stream(BlockTransfer blocks, TransferOptions options) {
        var checked = check(blocks, options, true);
        var stream =
                new BlockStream(
                        checked.tokens,
                        checked.plan,
                        options.pace(),
                        self ->
                                blockWrite(
                                        blocks,
                                        options,
                                        checked,
                                        false,
                                        (sender, done) -> self.opened(sender)));
        submit((OngoingTransfer) stream.transfer());
        return stream;
    }

    Transfer read(BlockTransfer blocks, TransferOptions options) {
        var checked = check(blocks, options, false);
        return submit(
                new BlockRead(
                        session, blocks, options, checked.plan, checked.first, checked.count));
    }

    Transfer write(RangeTransfer ranges, TransferOptions options) {
        var region = check(ranges, options, true);
        long bytes = Inbox.totalBytes(ranges.ranges());
        var flags = new BlockSender.Flags(options.checksum(), options.notification().isPresent());
        return submit(
                new WriteTransfer(
                        session,
                        options,
                        ranges.ranges().size(),
                        bytes,
                        transfer ->
                                new RangeSender(
                                        transfer,
                                        transfer.id(),
                                        ranges.requestId(),
                                        bytes,
                                        flags,
                                        new RangeSender.What(
                                                region.segment(),
                                                ranges.ranges(),
                                                ranges.remote().id(),
                                                ranges.remote().generation(),
                                                true)),
                        new Pinned(region, region::unpin)));
    }

    Transfer read(RangeTransfer ranges, TransferOptions options) {
        check(ranges, options, false);
        return submit(new RangeRead(session, ranges, options, Inbox.totalBytes(ranges.ranges())));
    }

    /**
     * Checks both sides of the ranges, as far as they are known here, and pins the local region.
     */
    private MemoryRegion check(RangeTransfer ranges, TransferOptions options, boolean write) {
        options.notification().ifPresent(this::checkNotification);
        if (!(ranges.local() instanceof MemoryRegion region)
                || !session.node().registry().regions().contains(region)) {
            throw new TransferException(
                    ErrorCode.UNKNOWN_REGION,
                    "the local region is not registered with node '" + session.node().name() + "'");
        }
        for (var range : ranges.ranges()) {
            side(
                    "source",
                    write ? region.byteSize() : ranges.remote().byteSize(),
                    range.sourceOffset(),
                    range.sourceStride(),
                    range);
            side(
                    "target",
                    write ? ranges.remote().byteSize() : region.byteSize(),
                    range.targetOffset(),
                    range.targetStride(),
                    range);
        }
        if (Inbox.totalBytes(ranges.ranges()) < 0) {
            throw new TransferException(ErrorCode.OUT_OF_RANGE, "the ranges add up to no length");
        }
        Grants.pin(region);
        return region;
    }

    private static void side(String side, long size, long offset, long stride, StridedCopy range) {
        if (!MemoryRegion.inside(size, offset, stride, range.length(), range.count())) {
            throw leaves(side, size, offset, range);
        }
    }

    static TransferException leaves(String side, long size, long offset, StridedCopy range) {
        return new TransferException(
                ErrorCode.OUT_OF_RANGE,
                "the range at "
                        + offset
                        + " (length "
                        + range.length()
                        + ", count "
                        + range.count()
                        + ") leaves the "
                        + side
                        + " region of "
                        + size
                        + " bytes");
    }
}
