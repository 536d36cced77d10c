package io.kvwire.transport.core;

import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.TransferTrace.Stage;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.InboundFrame;
import io.kvwire.transport.spi.PagedSlab;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A frame on its way in: the target it was admitted to, pinned, or nothing when it was refused.
 * Pooled by its {@link Inbox}.
 */
final class ArrivingFrame implements InboundFrame, Runnable {
    final FrameHeader fields = new FrameHeader();
    final TargetPins pins = new TargetPins();
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
    private final StagedPayload staged;
    private Coding coding;
    private long wholeNanos;
    private long beganNanos;
    private long decodeNanos;

    // What was admitted: blocks of a cache, or ranges of a region.
    private LayoutPlan plan;
    private TokenRange tokens;
    private List<StridedCopy> ranges = List.of();
    private long position;

    ArrivingFrame(Inbox inbox) {
        this.inbox = inbox;
        staged = new StagedPayload(inbox.metrics());
    }

    void begin(long bytes) {
        payloadBytes = bytes;
        rawBytes = bytes;
        decodeNanos = 0;
        arrivals = null;
        pins.start();
        dropped = false;
    }

    /** Makes this a frame whose payload goes nowhere. */
    ArrivingFrame drop() {
        dropped = true;
        pins.unpin();
        staged.leave();
        // A frame that comes twice was never counted as one that touches the target.
        arrivals = null;
        rangeRuns.start(List.of(), false, MemorySegment.NULL, 0, 0);
        target = rangeRuns;
        return this;
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
        if (fields.encoded() || pins.cache().device().isEmpty()) {
            return fields.encoded();
        }
        return fields.checksummed() || !plan.sameOrder() || inbox.stages(pins.cache());
    }

    /** Lets the payload go to staging; the blocks stay pinned until it is in place. */
    private void stage() {
        var slab =
                new Slab(
                        new Slab.Id(
                                fields.transferId,
                                fields.requestId,
                                // As the sender of a WRITE names them; a READ names none.
                                pins.generation(fields.entries),
                                fields.frameIndex,
                                FrameHeader.MAX_FRAMES),
                        plan.target(),
                        fields.layer,
                        new TokenRange(fields.firstToken, fields.tokens),
                        plan.firstHead(),
                        plan.heads());
        staged.take(coding, slab, payloadBytes);
        target = staged.run();
    }

    /** Lets the payload of a probe go to staging and no further; false when there is no room. */
    boolean aimNowhere(Coding agreed, Arrivals to) {
        if (!agreed.incoming().room(payloadBytes)) {
            return false;
        }
        coding = agreed;
        arrivals = to;
        beganNanos = 0;
        staged.take(agreed, payloadBytes);
        target = staged.run();
        return true;
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

    /** Points the payload at ranges of the pinned region. */
    void aimAtRanges(List<StridedCopy> copies, long from, Arrivals to) {
        ranges = copies;
        position = from;
        arrivals = to;
        beganNanos = 0;
        target = rangeRuns;
        rewind();
    }

    private void rewind() {
        if (target == blockRuns) {
            blockRuns.start(
                    plan, plan.target(), pins.ids, pins.cache().origin(fields.layer), tokens);
        } else if (staged.taken()) {
            target = staged.run();
        } else {
            rangeRuns.start(ranges, false, pins.region().segment(), position, payloadBytes);
        }
    }

    @Override
    public RunCursor target() {
        return target;
    }

    @Override
    public boolean direct(DeviceMemory device) {
        boolean possible =
                staged.taken()
                        && fields.ofBlocks()
                        && !fields.encoded()
                        && !fields.checksummed()
                        && pins.cache().device().filter(own -> own == device).isPresent();
        if (possible) {
            staged.leave();
            target = blockRuns;
            rewind();
        }
        return possible;
    }

    @Override
    public boolean revoked() {
        return dropped || arrivals.ended() || pins.takenBack();
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
        if (staged.taken() && fields.ofBlocks()) {
            if (!coding.run(this)) {
                abort();
            }
            return;
        }
        if (fields.checksummed() && !intact()) {
            corrupt("its checksum does not match the received bytes");
            return;
        }
        if (pins.cache() != null && payloadBytes > 0) {
            try {
                inbox.settle(pins.cache());
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
        pins.unpin();
        staged.leave();
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
        blockRuns.start(plan, plan.target(), pins.ids, pins.cache().origin(fields.layer), tokens);
        try {
            if (fields.encoded()) {
                decode();
            } else {
                staged.scatter(pins.cache().device().orElseThrow(), blockRuns);
            }
        } catch (StagedPayload.BadFrameException e) {
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

    private void decode() {
        var device = pins.cache().device();
        if (device.isEmpty()) {
            staged.decode(blockRuns);
        } else {
            staged.decode(device.get(), this::paged, blockRuns, rawBytes);
        }
    }

    /** Where the values belong: in the pinned blocks, tokens counted from the first of them. */
    private PagedSlab paged() {
        return DeviceCoding.paged(
                staged.slab(),
                tokens.first(),
                plan.target(),
                pins.cache().placement().get(fields.layer),
                pins.listed());
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
        pins.unpin();
        staged.leave();
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
        boolean stale = !dropped && !to.ended() && pins.takenBack();
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
