package io.kvwire.transport.core;

import io.kvwire.transport.BlockRuns;
import io.kvwire.transport.LayoutPlan;
import io.kvwire.transport.Limits;
import io.kvwire.transport.StridedCopy;
import io.kvwire.transport.TokenRange;
import io.kvwire.transport.spi.OutboundFrame;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.zip.CRC32C;

/** A frame on its way out; goes back to its outbox's pool when the wire releases it. */
final class PooledFrame implements OutboundFrame {
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
    private final StagedRun stagedRun = new StagedRun();
    private final CRC32C crc = new CRC32C();
    private final int[] entryCount = new int[1];
    private MemorySegment staging = MemorySegment.NULL;
    private Sender sender;
    private RunCursor payload = rangeRuns;
    private long payloadBytes;

    /** The one run of a payload that was copied to staging. */
    private static final class StagedRun implements RunCursor {
        private MemorySegment memory = MemorySegment.NULL;
        private long bytes;
        private boolean given;

        void start(MemorySegment staging, long length) {
            memory = staging;
            bytes = length;
            given = length == 0;
        }

        @Override
        public boolean next() {
            boolean first = !given;
            given = true;
            return first;
        }

        @Override
        public MemorySegment segment() {
            return memory;
        }

        @Override
        public long offset() {
            return 0;
        }

        @Override
        public long length() {
            return bytes;
        }
    }

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
        fields.entries =
                fields.kind == FrameHeader.READ_BLOCKS || fields.kind == FrameHeader.READ_RANGES
                        ? 0
                        : entryCount[0];
        return true;
    }

    void empty() {
        payload = stagedRun;
        stagedRun.start(MemorySegment.NULL, 0);
        payloadBytes = 0;
    }

    private LayoutPlan plan;
    private int[] sourceIds;
    private BlockRuns.Origin origin;
    private TokenRange tokens;

    void blocks(LayoutPlan mapping, int[] ids, BlockRuns.Origin layer, TokenRange range) {
        plan = mapping;
        sourceIds = ids;
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
            blockRuns.start(plan, plan.source(), sourceIds, origin, tokens);
        } else if (payload == rangeRuns) {
            rangeRuns.start(rangeCopies, true, rangeSource, rangePosition, payloadBytes);
        } else {
            stagedRun.start(staging, payloadBytes);
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
        sender.gatherNanos.addAndGet(System.nanoTime() - start);
        outbox.metrics().bytesGathered.add(payloadBytes);
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
