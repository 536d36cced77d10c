package io.kvwire.transport.core;

import static io.kvwire.transport.core.FrameHeader.require;

import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.Limits;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * Admits the frames of one connection: checks each header against what this node has registered and
 * computes the target addresses itself. What a peer may not do is refused to it by a FAILED
 * message; what no correct peer would send ends the connection.
 */
final class Inbox {
    private final Session session;
    private final AtomicReferenceArray<InboundWrite> writes;
    private final long[] reads;
    private final AtomicLong unreported = new AtomicLong();
    private final InboundProbe probe;
    private volatile boolean closed;
    private final ArrayDeque<ArrivingFrame> pool = new ArrayDeque<>();

    Inbox(Session session, int peerTransfers) {
        this.session = session;
        writes = new AtomicReferenceArray<>(peerTransfers);
        reads = new long[peerTransfers];
        probe = new InboundProbe(session);
    }

    /** Whether blocks for a cache are received into staging although they came as they are. */
    boolean stages(PagedCache cache) {
        return session.stages(cache);
    }

    /** Makes what the wire has brought into memory of a device visible there. */
    void settle(PagedCache cache) {
        if (cache.device().isPresent() && !session.stages(cache)) {
            cache.settle();
        }
    }

    Metrics metrics() {
        return session.node().metrics;
    }

    /** The record of a WRITE of the peer, made on first sight; null when the peer has ended it. */
    InboundWrite write(long transferId) {
        int slot = Slots.slotOf(transferId);
        require(slot < writes.length() && transferId > 0, "transfer id ", transferId);
        while (true) {
            var known = writes.get(slot);
            if (known != null && known.transferId == transferId) {
                return known;
            }
            if (known != null && Slots.useOf(known.transferId) > Slots.useOf(transferId)) {
                return null;
            }
            var fresh = new InboundWrite(session, transferId);
            if (writes.compareAndSet(slot, known, fresh)) {
                // Asked first, as an exception costs more than all the rest of this.
                if (known != null && !known.ended()) {
                    known.end(
                            new TransferException(
                                    ErrorCode.CANCELLED, "the peer has given the transfer up"));
                }
                if (closed) {
                    fresh.end(Session.peerGone(session.name()));
                }
                return fresh;
            }
        }
    }

    /** Whether a READ of the peer is a new one and no repetition; for the control thread alone. */
    boolean firstAsked(long transferId) {
        int slot = Slots.slotOf(transferId);
        require(slot < reads.length && transferId > 0, "transfer id ", transferId);
        if (Slots.useOf(transferId) <= Slots.useOf(reads[slot])) {
            metrics().duplicates.increment();
            return false;
        }
        reads[slot] = transferId;
        return true;
    }

    void closeAll(TransferException reason) {
        closed = true;
        for (int i = 0; i < writes.length(); i++) {
            var write = writes.get(i);
            if (write != null) {
                write.end(reason);
            }
        }
    }

    /**
     * Counts credit that is not confirmed yet. Once as much has come for all transfers together as
     * is confirmed for one, all of them report: else many that wait, each with a little, would hold
     * the whole window.
     */
    void placed(long charge) {
        long sum = unreported.addAndGet(charge);
        if (sum < session.remote().reportEveryBytes() || !unreported.compareAndSet(sum, 0)) {
            return;
        }
        for (int i = 0; i < writes.length(); i++) {
            var write = writes.get(i);
            if (write != null && !write.ended()) {
                write.credit.report();
            }
        }
        for (var transfer : session.slots.active()) {
            if (transfer instanceof ReadTransfer read && !read.ended()) {
                read.credit().report();
            }
        }
    }

    ArrivingFrame begin(ByteBuffer header, long payloadBytes) {
        var frame = take();
        frame.begin(payloadBytes);
        try {
            frame.fields.decode(header);
            if (frame.fields.kind == FrameHeader.PROBE) {
                return beginProbe(frame);
            }
            return frame.fields.ofRead()
                    ? beginRead(frame, payloadBytes)
                    : beginWrite(frame, header, payloadBytes);
        } catch (RuntimeException e) {
            frame.drop();
            give(frame);
            throw e;
        }
    }

    private ArrivingFrame beginWrite(ArrivingFrame frame, ByteBuffer header, long payloadBytes) {
        var fields = frame.fields;
        var write = write(fields.transferId);
        if (write == null || write.ended()) {
            return frame.drop();
        }
        require(write.describe(fields), "frames of one transfer contradict each other");
        try {
            if (fields.kind == FrameHeader.WRITE_BLOCKS) {
                admitBlocks(frame, header, write);
            } else {
                admitRanges(frame, header, payloadBytes, write);
            }
        } catch (TransferException e) {
            if (e.code() == ErrorCode.MALFORMED) {
                throw e;
            }
            metrics().framesRefused.increment();
            write.refuse(e);
            return frame.drop();
        }
        return admitted(frame, write);
    }

    /** Counts an admitted frame, unless it has come before. */
    private ArrivingFrame admitted(ArrivingFrame frame, Arrivals arrivals) {
        if (!arrivals.first(frame.fields.frameIndex)) {
            metrics().duplicates.increment();
            return frame.drop();
        }
        if (!arrivals.hold()) {
            return frame.drop();
        }
        metrics().framesReceived.increment();
        return frame;
    }

    private void admitBlocks(ArrivingFrame frame, ByteBuffer header, InboundWrite write) {
        var fields = frame.fields;
        var cache = Grants.writable(session.node(), fields.objectId);
        var layout = cache.layout();
        require(fields.layer >= 0 && fields.layer < layout.layers(), "layer ", fields.layer);
        var plan = new LayoutPlan(cache.layout(), cache.layout(), fields.firstHead, fields.heads);
        frame.requirePayload(plan, session.coding());
        int inBlock = fields.firstToken % layout.tokensPerBlock();
        require(
                fields.entries <= Limits.MAX_BLOCKS_PER_FRAME
                        && fields.entries
                                == (fields.tokens == 0
                                        ? 0
                                        : Math.ceilDiv(
                                                (long) inBlock + fields.tokens,
                                                layout.tokensPerBlock())),
                "blocks that do not fit the tokens: ",
                fields.entries);
        readBlocks(frame, header);
        frame.pins.pinBlocks(cache, fields.entries);
        var range = new TokenRange(fields.firstToken, fields.tokens);
        var expecting = session.node().reception(fields.requestId);
        if (expecting != null && expecting.expects(cache, range, frame.pins.ids)) {
            write.receivedBy(expecting);
        }
        frame.aimAtBlocks(plan, new TokenRange(inBlock, fields.tokens), write);
    }

    private static void readBlocks(ArrivingFrame frame, ByteBuffer header) {
        int at = header.position() + FrameHeader.FIXED_BYTES;
        boolean swap = header.order() != ByteOrder.LITTLE_ENDIAN;
        for (int i = 0; i < frame.fields.entries; i++) {
            int id = header.getInt(at);
            int generation = header.getInt(at + 4);
            frame.pins.ids[i] = swap ? Integer.reverseBytes(id) : id;
            frame.pins.generations[i] = swap ? Integer.reverseBytes(generation) : generation;
            at += FrameHeader.BLOCK_ENTRY_BYTES;
        }
    }

    private void admitRanges(
            ArrivingFrame frame, ByteBuffer header, long payloadBytes, InboundWrite write) {
        var fields = frame.fields;
        var region = Grants.writable(session.node(), fields.objectId, fields.objectGeneration);
        require(fields.entries <= FrameHeader.MAX_RANGES, "too many ranges: ", fields.entries);
        var ranges = readRanges(header, fields.entries, region);
        require(
                totalBytes(ranges) == payloadBytes,
                "payload bytes that the ranges do not add up to: ",
                payloadBytes);
        frame.pins.pinRegion(region);
        frame.aimAtRanges(ranges, 0, write);
    }

    private List<StridedCopy> readRanges(ByteBuffer header, int count, MemoryRegion region) {
        var in = header.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        in.position(header.position() + FrameHeader.FIXED_BYTES);
        var ranges = new ArrayList<StridedCopy>(count);
        for (int i = 0; i < count; i++) {
            long offset = in.getLong();
            long stride = in.getLong();
            long length = in.getLong();
            int pieces = in.getInt();
            require(in.getInt() == 0, "reserved bytes of a range");
            if (!MemoryRegion.inside(region.byteSize(), offset, stride, length, pieces)) {
                throw new TransferException(
                        ErrorCode.OUT_OF_RANGE,
                        "range at "
                                + offset
                                + " (stride "
                                + stride
                                + ", length "
                                + length
                                + ", count "
                                + pieces
                                + ") leaves region "
                                + region.id()
                                + " of "
                                + region.byteSize()
                                + " bytes");
            }
            ranges.add(new StridedCopy(0, 0, offset, stride, length, pieces));
        }
        return ranges;
    }

    /** The bytes of ranges that are each inside one region; adds up without overflow or to -1. */
    static long totalBytes(List<StridedCopy> ranges) {
        long total = 0;
        for (var range : ranges) {
            long bytes = Math.multiplyHigh(range.length(), range.count()) == 0 ? range.bytes() : -1;
            if (bytes < 0 || total > Long.MAX_VALUE - bytes) {
                return -1;
            }
            total += bytes;
        }
        return total;
    }

    private ArrivingFrame beginRead(ArrivingFrame frame, long payloadBytes) {
        var fields = frame.fields;
        if (!(session.slots.find(fields.transferId) instanceof ReadTransfer read) || read.ended()) {
            return frame.drop();
        }
        try {
            read.admit(frame, payloadBytes);
        } catch (TransferException e) {
            if (e.code() == ErrorCode.MALFORMED) {
                throw e;
            }
            read.refuse(e);
            return frame.drop();
        }
        return admitted(frame, read);
    }

    private ArrivingFrame beginProbe(ArrivingFrame frame) {
        boolean admitted = frame.payloadBytes() > 0 && frame.aimNowhere(session.coding(), probe);
        return admitted ? admitted(frame, probe) : frame.drop();
    }

    private ArrivingFrame take() {
        synchronized (pool) {
            var frame = pool.poll();
            return frame == null ? new ArrivingFrame(this) : frame;
        }
    }

    void give(ArrivingFrame frame) {
        synchronized (pool) {
            pool.push(frame);
        }
    }
}
