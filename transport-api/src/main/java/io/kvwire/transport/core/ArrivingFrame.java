package io.kvwire.transport.core;

import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.Limits;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A frame on its way in: the target it was admitted to, pinned, or nothing when it was refused.
 * Pooled by its {@link Inbox}.
 */
final class ArrivingFrame implements InboundFrame {
    final FrameHeader fields = new FrameHeader();
    final int[] ids = new int[Limits.MAX_BLOCKS_PER_FRAME];
    final int[] generations = new int[Limits.MAX_BLOCKS_PER_FRAME];
    private final Inbox inbox;
    private final BlockRuns blockRuns = new BlockRuns();
    private final RangeRuns rangeRuns = new RangeRuns();
    private final CRC32C crc = new CRC32C();
    private RunCursor target = rangeRuns;
    private Arrivals arrivals;
    private long payloadBytes;
    private boolean dropped;

    // What was admitted: blocks of a cache, or ranges of a region.
    private PagedCache cache;
    private MemoryRegion region;
    private LayoutPlan plan;
    private TokenRange tokens;
    private int pinned;
    private int retireCount;
    private List<StridedCopy> ranges = List.of();
    private long position;

    ArrivingFrame(Inbox inbox) {
        this.inbox = inbox;
    }

    void begin(long bytes) {
        payloadBytes = bytes;
        arrivals = null;
        cache = null;
        region = null;
        pinned = 0;
        dropped = false;
    }

    /** Makes this a frame whose payload goes nowhere. */
    ArrivingFrame drop() {
        dropped = true;
        unpin();
        // A frame that comes twice was never counted as one that touches the target.
        arrivals = null;
        rangeRuns.start(List.of(), false, MemorySegment.NULL, 0, 0);
        target = rangeRuns;
        return this;
    }

    /** Pins the listed blocks; on failure none stays pinned. */
    void pinBlocks(PagedCache of, int count) {
        cache = of;
        retireCount = of.ledger().retireCount();
        for (int i = 0; i < count; i++) {
            if (ids[i] < 0 || ids[i] >= of.blocks()) {
                throw of.ledger().outOfRange(ids[i]);
            }
            if (!of.ledger().pin(ids[i], generations[i])) {
                throw of.ledger().stale(ids[i], generations[i]);
            }
            pinned++;
        }
    }

    /** Points the payload at the pinned blocks, given the tokens relative to the first of them. */
    void aimAtBlocks(LayoutPlan mapping, TokenRange relative, Arrivals to) {
        plan = mapping;
        tokens = relative;
        arrivals = to;
        target = blockRuns;
        rewind();
    }

    void aimAtRanges(MemoryRegion of, List<StridedCopy> copies, long from, Arrivals to) {
        region = of;
        ranges = copies;
        position = from;
        arrivals = to;
        target = rangeRuns;
        rewind();
    }

    void pinRegion(MemoryRegion of) {
        Grants.pin(of);
        region = of;
        pinned = 1;
    }

    private void rewind() {
        if (target == blockRuns) {
            blockRuns.start(plan, plan.target(), ids, cache.origin(fields.layer), tokens);
        } else {
            rangeRuns.start(ranges, false, region.segment(), position, payloadBytes);
        }
    }

    private void unpin() {
        for (int i = 0; i < pinned; i++) {
            if (cache != null) {
                cache.ledger().unpin(ids[i]);
            } else {
                region.unpin();
            }
        }
        pinned = 0;
    }

    /** Whether a block or region that this frame goes to was taken back by its owner. */
    private boolean takenBack() {
        if (region != null) {
            return region.withdrawn();
        }
        if (cache == null || cache.ledger().retireCount() == retireCount) {
            return false;
        }
        for (int i = 0; i < pinned; i++) {
            if (!cache.ledger().current(ids[i], generations[i])) {
                return true;
            }
        }
        return false;
    }

    @Override
    public RunCursor target() {
        return target;
    }

    @Override
    public boolean revoked() {
        return dropped || arrivals.ended() || takenBack();
    }

    @Override
    public void complete(long copiedBytes, long scatterNanos) {
        var metrics = inbox.metrics();
        var to = arrivals;
        if (revoked()) {
            abort();
            return;
        }
        if (fields.checksummed() && !intact()) {
            metrics.bytesDropped.add(payloadBytes);
            leave(to);
            to.refuse(
                    new TransferException(
                            ErrorCode.CORRUPT,
                            "checksum of frame "
                                    + fields.frameIndex
                                    + " of transfer "
                                    + fields.transferId
                                    + " does not match the received bytes"));
            recycle();
            return;
        }
        metrics.bytesReceived.add(payloadBytes);
        metrics.bytesInPlace.add(payloadBytes - copiedBytes);
        // The wire is done with the blocks: whoever is told of them below may take them back at
        // once.
        unpin();
        to.placed(fields, payloadBytes, copiedBytes, scatterNanos);
        to.drop();
        recycle();
    }

    private boolean intact() {
        rewind();
        return Checksums.of(target, crc) == fields.payloadCrc;
    }

    private void leave(Arrivals to) {
        unpin();
        if (to != null) {
            to.drop();
        }
    }

    private void recycle() {
        arrivals = null;
        inbox.give(this);
    }

    @Override
    public void abort() {
        inbox.metrics().bytesDropped.add(payloadBytes);
        var to = arrivals;
        boolean stale = !dropped && !to.ended() && takenBack();
        leave(to);
        if (stale) {
            to.refuse(
                    new TransferException(
                            ErrorCode.STALE,
                            "the target blocks were taken back while bytes for them arrived"));
        }
        recycle();
    }
}
