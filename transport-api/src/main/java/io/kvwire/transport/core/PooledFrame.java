package io.kvwire.transport.core;

import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.BlockTable;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.Limits;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.DeviceMemory;
import io.kvwire.transport.spi.KvCodec;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.SingleRun;
import io.kvwire.transport.spi.Slab;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;

/** A frame on its way out; goes back to its outbox's pool when the wire releases it. */
final class PooledFrame implements OutboundFrame, Runnable {
    private static final int HEADER_BYTES =
            FrameHeader.FIXED_BYTES
                    + Math.max(
                            Limits.MAX_BLOCKS_PER_FRAME * FrameHeader.BLOCK_ENTRY_BYTES,
                            FrameHeader.MAX_RANGES * FrameHeader.RANGE_ENTRY_BYTES);

    final FrameHeader fields = new FrameHeader();
    private final Outbox outbox;
    private final ByteBuffer header =
            ByteBuffer.allocateDirect(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final BlockRuns blockRuns = new BlockRuns();
    private final RangeRuns rangeRuns = new RangeRuns();
    private final SingleRun stagedRun = new SingleRun();
    private final CRC32C crc = new CRC32C();
    private final int[] entryCount = new int[1];
    private MemorySegment staging = MemorySegment.NULL;
    private Sender sender;
    private RunCursor payload = rangeRuns;
    private long payloadBytes;

    // Of a frame that is encoded.
    private Slab slab;
    private Staging.Slot slot;
    private long charge;
    private long rawBytes;

    final FrameTimes times = new FrameTimes(this);

    PooledFrame(Outbox outbox) {
        this.outbox = outbox;
    }

    /** Lets a sender fill this frame; false when it has nothing ready. */
    boolean fill(Sender from, int maxPayloadBytes) {
        sender = from;
        header.clear();
        entryCount[0] = 0;
        if (!from.cut(this, maxPayloadBytes)) {
            return false;
        }
        from.describe(fields);
        if (fields.kind == FrameHeader.WRITE_BLOCKS) {
            entryCount[0] =
                    ((BlockSender) from).writeEntries(fields, header, FrameHeader.FIXED_BYTES);
        }
        rawBytes = payloadBytes;
        charge = payloadBytes;
        times.start();
        fields.entries =
                fields.kind == FrameHeader.READ_BLOCKS || fields.kind == FrameHeader.READ_RANGES
                        ? 0
                        : entryCount[0];
        return true;
    }

    void empty() {
        payload = stagedRun;
        stagedRun.start(MemorySegment.NULL, 0, 0);
        payloadBytes = 0;
    }

    private LayoutPlan plan;
    private BlockTable sourceBlocks;
    private BlockRuns.Origin origin;
    private TokenRange tokens;

    void blocks(LayoutPlan mapping, BlockTable blocks, BlockRuns.Origin layer, TokenRange range) {
        plan = mapping;
        sourceBlocks = blocks;
        origin = layer;
        tokens = range;
        payloadBytes = mapping.tokenBytes() * range.count();
        payload = blockRuns;
        rewind();
    }

    long ranges(RangeRuns targets, List<StridedCopy> copies, long position, long bytes) {
        targets.start(copies, false, MemorySegment.NULL, position, bytes);
        return RangeSender.entries(targets, header, FrameHeader.FIXED_BYTES, entryCount);
    }

    private List<StridedCopy> rangeCopies = List.of();
    private MemorySegment rangeSource = MemorySegment.NULL;
    private long rangePosition;

    void payloadOf(List<StridedCopy> copies, MemorySegment source, long position, long bytes) {
        rangeCopies = copies;
        rangeSource = source;
        rangePosition = position;
        payloadBytes = bytes;
        payload = rangeRuns;
        rewind();
    }

    private void rewind() {
        if (payload == blockRuns) {
            blockRuns.start(plan, plan.source(), sourceBlocks, origin, tokens);
        } else if (payload == rangeRuns) {
            rangeRuns.start(rangeCopies, true, rangeSource, rangePosition, payloadBytes);
        } else if (slot != null) {
            stagedRun.start(slot.memory(), slot.offset(), payloadBytes);
        } else {
            stagedRun.start(staging, 0, payloadBytes);
        }
    }

    /** Copies the payload to staging, so that many short runs become one. */
    void gather() {
        long start = System.nanoTime();
        if (staging.byteSize() < payloadBytes) {
            staging = Arena.ofAuto().allocate(payloadBytes, 64);
        }
        long at = 0;
        while (payload.next()) {
            MemorySegment.copy(payload.segment(), payload.offset(), staging, at, payload.length());
            at += payload.length();
        }
        countDescriptors();
        payload = stagedRun;
        rewind();
        long nanos = System.nanoTime() - start;
        sender.gatherNanos.addAndGet(nanos);
        times.prepared(start, start + nanos, payloadBytes);
        outbox.metrics().bytesGathered.add(payloadBytes);
    }

    /**
     * Takes room for the payload once it is encoded, or brought from its device; the frame is
     * charged as if it filled it.
     */
    void stage(Coding coding) {
        if (!sender.encodes()) {
            slot = coding.outgoing().take(payloadBytes);
            return;
        }
        slab =
                new Slab(
                        new Slab.Id(
                                fields.transferId,
                                fields.requestId,
                                targetGeneration(),
                                fields.frameIndex,
                                FrameHeader.MAX_FRAMES),
                        plan.target(),
                        fields.layer,
                        tokens,
                        plan.firstHead(),
                        plan.heads());
        long most = coding.maxFrameBytes(slab);
        charge = Coding.charge(rawBytes, most);
        slot = coding.outgoing().take(most);
        fields.flags =
                (byte) ((fields.flags & ~FrameHeader.FLAG_CHECKSUM) | FrameHeader.FLAG_ENCODED);
        fields.payloadCrc = 0;
    }

    /** What the frame says of the target's generations; nothing for a READ, which names none. */
    private int targetGeneration() {
        if (fields.entries == 0) {
            return 0;
        }
        int at = FrameHeader.FIXED_BYTES + Integer.BYTES;
        if (fields.entries == 1) {
            return header.getInt(at);
        }
        crc.reset();
        for (int i = 0; i < fields.entries; i++, at += FrameHeader.BLOCK_ENTRY_BYTES) {
            Checksums.update(crc, header.getInt(at));
        }
        return (int) crc.getValue();
    }

    /** Whether the payload goes through {@link #run} before the wire gets the frame. */
    boolean staged() {
        return slot != null;
    }

    /** Encodes or fetches the payload, on a thread for it, and goes on to the wire. */
    @Override
    public void run() {
        if (!sender.owner.wanted()) {
            outbox.released(this, false);
            return;
        }
        try {
            if (fields.encoded()) {
                encode(outbox.coding());
            } else {
                fetch();
            }
        } catch (RuntimeException e) {
            sender.owner.lost(
                    e instanceof TransferException known
                            ? known
                            : Session.internal("preparing a frame failed", e));
            outbox.released(this, false);
            return;
        }
        outbox.send(this);
    }

    /** Brings the payload from its device as it is. */
    private void fetch() {
        long start = System.nanoTime();
        ((BlockSender) sender).device().gather(payload, slot.part(payloadBytes));
        outbox.metrics().bytesFromDevices.add(payloadBytes);
        countDescriptors();
        payload = stagedRun;
        rewind();
        if (sender.checksum) {
            checksum();
        }
        seal();
        long nanos = System.nanoTime() - start;
        sender.gatherNanos.addAndGet(nanos);
        outbox.metrics().bytesGathered.add(payloadBytes);
        times.prepared(start, start + nanos, payloadBytes);
    }

    private void encode(Coding coding) {
        long start = System.nanoTime();
        var codec = coding.take();
        try {
            payloadBytes =
                    sender.onDevice()
                            ? encodeFromDevice(coding, codec)
                            : codec.encode(slab, payload, slot.part(slot.bytes()));
        } finally {
            coding.give(codec);
        }
        countDescriptors();
        payload = stagedRun;
        rewind();
        long actual = Coding.charge(rawBytes, payloadBytes);
        sender.refund(outbox, charge - actual);
        charge = actual;
        seal();
        long nanos = System.nanoTime() - start;
        sender.encodeNanos.addAndGet(nanos);
        coding.rates().encoded(rawBytes, payloadBytes, nanos);
        outbox.metrics().bytesEncoded.add(rawBytes);
        times.prepared(start, start + nanos, rawBytes);
    }

    /**
     * Encodes what is on a device: there, where it can make the codes, else on the host, and a
     * second slot holds it as it is meanwhile.
     */
    private long encodeFromDevice(Coding coding, KvCodec codec) {
        var device = ((BlockSender) sender).device();
        var frame = slot.part(slot.bytes());
        if (DeviceCoding.possible(codec, slab, device)) {
            var frames = codec.codedFrames().orElseThrow();
            var form = frame.asSlice(frames.formAt());
            var values = ((BlockSender) sender).paged(slab);
            long bytes = device.quantisedRows().orElseThrow().quantise(values, form);
            if (bytes > 0) {
                outbox.metrics().bytesFromDevices.add(bytes);
                return frames.seal(slab, frame, bytes);
            }
        }
        var raw = coding.outgoing().take(rawBytes);
        try {
            device.gather(payload, raw.part(rawBytes));
            outbox.metrics().bytesFromDevices.add(rawBytes);
            stagedRun.start(raw.memory(), raw.offset(), rawBytes);
            return codec.encode(slab, stagedRun, frame);
        } finally {
            coding.outgoing().give(raw);
        }
    }

    long rawBytes() {
        return rawBytes;
    }

    /** What of the window the frame costs. */
    long charge() {
        return charge;
    }

    /** The wire is done with it: the room for the encoded payload is free. */
    void ended(boolean sent, Coding coding) {
        times.released(sent, coding.rates().link);
        if (slot != null) {
            coding.outgoing().give(slot);
            slot = null;
        }
    }

    /** Computes the checksum over the payload as it will be sent. */
    void checksum() {
        fields.payloadCrc = Checksums.of(payload, crc);
        rewind();
    }

    void seal() {
        int entryBytes =
                fields.kind == FrameHeader.WRITE_RANGES
                        ? FrameHeader.RANGE_ENTRY_BYTES
                        : FrameHeader.BLOCK_ENTRY_BYTES;
        fields.encode(header, FrameHeader.FIXED_BYTES + fields.entries * entryBytes);
    }

    private void countDescriptors() {
        int runs =
                payload == blockRuns
                        ? blockRuns.walked()
                        : payload == rangeRuns ? rangeRuns.walked() : 0;
        sender.descriptors.addAndGet(runs);
        outbox.metrics().descriptors.add(runs);
    }

    Sender sender() {
        return sender;
    }

    @Override
    public ByteBuffer header() {
        return header;
    }

    @Override
    public long payloadBytes() {
        return payloadBytes;
    }

    @Override
    public RunCursor payload() {
        return payload;
    }

    @Override
    public Optional<DeviceMemory> device() {
        return slot == null && payloadBytes > 0 && sender.onDevice()
                ? Optional.of(((BlockSender) sender).device())
                : Optional.empty();
    }

    @Override
    public boolean wanted() {
        return sender.owner.wanted();
    }

    @Override
    public boolean answersRead() {
        return fields.ofRead();
    }

    @Override
    public void sending(int lane) {
        sender.lanes.getAndUpdate(mask -> mask | 1L << lane);
    }

    @Override
    public void released(boolean sent) {
        countDescriptors();
        outbox.released(this, sent);
    }
}
