package io.kvwire.transport.core;

import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.Limits;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferTrace.Stage;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.SingleRun;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A frame on its way in: the target it was admitted to, pinned, or nothing when it was refused.
 * Pooled by its {@link Inbox}.
 */
final class ArrivingFrame implements InboundFrame, Runnable {
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
    private long rawBytes;
    private boolean dropped;

    // Where a payload waits to be decoded, or for its device.
    private final SingleRun stagedRun = new SingleRun();
    private Coding coding;
    private Staging.Slot slot;
    private Slab slab;
    private long wholeNanos;
    private long beganNanos;
    private long decodeNanos;

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
        rawBytes = bytes;
        decodeNanos = 0;
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
        leaveStaging();
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
        of.ledger().pinAll(ids, generations, count);
        pinned = count;
    }

    /** Points the payload at the pinned blocks, given the tokens relative to the first of them. */
    void aimAtBlocks(LayoutPlan mapping, TokenRange relative, Arrivals to) {
        plan = mapping;
        tokens = relative;
        arrivals = to;
        beganNanos = to.traceLog() == null ? 0 : System.nanoTime();
        if (payloadBytes > 0 && stages()) {
            stage();
        } else {
            target = blockRuns;
            rewind();
        }
    }

    /**
     * Checks that the payload has the length of its blocks, or may be their encoded form, which
     * docs/spec/wire-format.md bounds.
     */
    void requirePayload(LayoutPlan mapping, Coding agreed) {
        rawBytes = mapping.tokenBytes() * fields.tokens;
        coding = agreed;
        if (!fields.encoded()) {
            FrameHeader.require(
                    payloadBytes == rawBytes,
                    "payload bytes that do not fit the tokens: ",
                    payloadBytes);
            return;
        }
        FrameHeader.require(agreed.active(), "an encoded payload where raw was agreed on");
        FrameHeader.require(
                payloadBytes > 0 && payloadBytes <= Coding.maxPayloadBytes(rawBytes),
                "an encoded payload that is too long or empty, bytes: ",
                payloadBytes);
    }

    /** Whether the wire cannot bring the payload to where it belongs. */
    private boolean stages() {
        if (fields.encoded() || cache.device().isEmpty()) {
            return fields.encoded();
        }
        return fields.checksummed() || !plan.sameOrder() || inbox.stages(cache);
    }

    /** Lets the payload go to staging; the blocks stay pinned until it is in place. */
    private void stage() {
        if (!coding.incoming().room(payloadBytes)) {
            throw new TransferException(
                    ErrorCode.RESOURCE_EXHAUSTED,
                    "more bytes have come for staging than the window allows: decoding, or the"
                            + " device, is behind");
        }
        slab =
                new Slab(
                        new Slab.Id(
                                fields.transferId,
                                fields.requestId,
                                generation(),
                                fields.frameIndex,
                                FrameHeader.MAX_FRAMES),
                        plan.target(),
                        fields.layer,
                        new TokenRange(fields.firstToken, fields.tokens),
                        plan.firstHead(),
                        plan.heads());
        slot = coding.incoming().take(payloadBytes);
        stagedRun.start(slot.memory(), slot.offset(), payloadBytes);
        target = stagedRun;
    }

    /** As the sender of a WRITE names the target's generations; a READ names none. */
    private int generation() {
        if (fields.entries == 0) {
            return 0;
        }
        if (fields.entries == 1) {
            return generations[0];
        }
        crc.reset();
        for (int i = 0; i < fields.entries; i++) {
            Checksums.update(crc, generations[i]);
        }
        return (int) crc.getValue();
    }

    private void leaveStaging() {
        if (slot != null) {
            coding.incoming().give(slot);
            slot = null;
        }
    }

    /** The bytes of blocks or ranges that the frame brings. */
    long rawBytes() {
        return rawBytes;
    }

    long payloadBytes() {
        return payloadBytes;
    }

    /** What of the window the frame costs. */
    long charge() {
        return fields.encoded() ? Coding.charge(rawBytes, payloadBytes) : payloadBytes;
    }

    long decodeNanos() {
        return decodeNanos;
    }

    void aimAtRanges(MemoryRegion of, List<StridedCopy> copies, long from, Arrivals to) {
        region = of;
        ranges = copies;
        position = from;
        arrivals = to;
        beganNanos = 0;
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
        } else if (target == stagedRun) {
            stagedRun.start(slot.memory(), slot.offset(), payloadBytes);
        } else {
            rangeRuns.start(ranges, false, region.segment(), position, payloadBytes);
        }
    }

    private void unpin() {
        int count = pinned;
        pinned = 0;
        if (count > 0 && cache != null) {
            cache.ledger().unpinAll(ids, count);
        } else if (count > 0) {
            region.unpin();
        }
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
    public boolean direct(DeviceMemory device) {
        boolean possible =
                slot != null
                        && !fields.encoded()
                        && !fields.checksummed()
                        && cache.device().filter(own -> own == device).isPresent();
        if (possible) {
            leaveStaging();
            target = blockRuns;
            rewind();
        }
        return possible;
    }

    @Override
    public boolean revoked() {
        return dropped || arrivals.ended() || takenBack();
    }

    @Override
    public void complete(long copiedBytes, long scatterNanos) {
        if (revoked()) {
            abort();
            return;
        }
        var log = fields.ofBlocks() ? arrivals.traceLog() : null;
        if (log != null && beganNanos != 0) {
            wholeNanos = System.nanoTime();
            log.add(Stage.WIRE, fields, beganNanos, wholeNanos, payloadBytes);
            if (scatterNanos > 0) {
                log.add(Stage.SCATTER, fields, wholeNanos - scatterNanos, wholeNanos, copiedBytes);
            }
        }
        if (slot != null) {
            if (!coding.run(this)) {
                abort();
            }
            return;
        }
        if (fields.checksummed() && !intact()) {
            corrupt("its checksum does not match the received bytes");
            return;
        }
        if (cache != null && payloadBytes > 0) {
            try {
                inbox.settle(cache);
            } catch (RuntimeException e) {
                fail(e);
                return;
            }
        }
        inbox.metrics().bytesInPlace.add(payloadBytes - copiedBytes);
        inPlace(scatterNanos);
    }

    private void inPlace(long scatterNanos) {
        var to = arrivals;
        inbox.metrics().bytesReceived.add(payloadBytes);
        // Nothing touches the blocks any more: whoever is told of them below may take them back at
        // once.
        unpin();
        leaveStaging();
        to.placed(this, scatterNanos);
        to.drop();
        recycle();
    }

    private void corrupt(String why) {
        var to = arrivals;
        inbox.metrics().bytesDropped.add(payloadBytes);
        leave(to);
        to.refuse(
                new TransferException(
                        ErrorCode.CORRUPT,
                        "frame %d of transfer %d: %s"
                                .formatted(fields.frameIndex, fields.transferId, why)));
        recycle();
    }

    /** Brings the staged payload into the pinned blocks, on a thread for it. */
    @Override
    public void run() {
        if (revoked()) {
            abort();
            return;
        }
        if (fields.checksummed() && !intact()) {
            corrupt("its checksum does not match the received bytes");
            return;
        }
        long start = System.nanoTime();
        blockRuns.start(plan, plan.target(), ids, cache.origin(fields.layer), tokens);
        try {
            if (fields.encoded()) {
                decode();
            } else {
                cache.device().orElseThrow().scatter(slot.part(payloadBytes), blockRuns);
                inbox.metrics().bytesToDevices.add(payloadBytes);
            }
        } catch (BadFrameException e) {
            corrupt(e.getMessage());
            return;
        } catch (RuntimeException e) {
            fail(e);
            return;
        }
        long end = System.nanoTime();
        if (revoked()) {
            abort();
            return;
        }
        var log = arrivals.traceLog();
        if (log != null) {
            var stage = fields.encoded() ? Stage.DECODE : Stage.SCATTER;
            log.add(stage, fields, start, end, rawBytes);
        }
        if (fields.encoded()) {
            decodeNanos = end - start;
            inbox.metrics().bytesDecoded.add(rawBytes);
            inPlace(0);
        } else {
            inPlace(end - start);
        }
    }

    /** What a codec has refused, as opposed to what a device could not do. */
    private static final class BadFrameException extends RuntimeException {
        private static final long serialVersionUID = 1L;

        BadFrameException(TransferException cause) {
            super(cause.getMessage(), cause, false, false);
        }
    }

    private void decode() {
        if (cache.device().isEmpty()) {
            decode(blockRuns);
            return;
        }
        var device = cache.device().get();
        var form = codesFor(device);
        if (form.byteSize() > 0) {
            device.quantisedRows().orElseThrow().dequantise(form, paged());
            inbox.metrics().bytesToDevices.add(form.byteSize());
            return;
        }
        var raw = coding.incoming().take(rawBytes);
        try {
            stagedRun.start(raw.memory(), raw.offset(), rawBytes);
            decode(stagedRun);
            device.scatter(raw.part(rawBytes), blockRuns);
            inbox.metrics().bytesToDevices.add(rawBytes);
        } finally {
            coding.incoming().give(raw);
        }
    }

    /** What of the frame the device needs to make the values; nothing when the host makes them. */
    private MemorySegment codesFor(DeviceMemory device) {
        var codec = coding.take();
        try {
            return DeviceCoding.open(codec, slab, device, slot.part(slot.bytes()), payloadBytes);
        } catch (TransferException e) {
            throw new BadFrameException(e);
        } finally {
            coding.give(codec);
        }
    }

    /** Where the values belong: in the pinned blocks, tokens counted from the first of them. */
    private PagedSlab paged() {
        return DeviceCoding.paged(
                slab,
                tokens.first(),
                plan.target(),
                cache.placement().get(fields.layer),
                Arrays.copyOf(ids, pinned));
    }

    private void decode(RunCursor to) {
        var codec = coding.take();
        try {
            codec.decode(slot.part(payloadBytes), slab, to);
        } catch (TransferException e) {
            throw new BadFrameException(e);
        } finally {
            coding.give(codec);
        }
    }

    private void fail(RuntimeException cause) {
        var to = arrivals;
        inbox.metrics().bytesDropped.add(payloadBytes);
        leave(to);
        to.refuse(
                cause instanceof TransferException known
                        ? known
                        : Session.internal("bringing a frame into place failed", cause));
        recycle();
    }

    private boolean intact() {
        rewind();
        return Checksums.of(target, crc) == fields.payloadCrc;
    }

    private void leave(Arrivals to) {
        unpin();
        leaveStaging();
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
