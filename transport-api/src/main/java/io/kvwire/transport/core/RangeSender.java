package io.kvwire.transport.core;

import io.kvwire.transport.StridedCopy;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.List;

/** Sends strided ranges of a region, in their order. */
final class RangeSender extends Sender {
    /**
     * What is sent.
     *
     * @param targetRegion id at the receiver, for a WRITE
     * @param targetGeneration its generation, for a WRITE
     * @param write whether the receiver needs to be told where the bytes go
     */
    record What(
            MemorySegment source,
            List<StridedCopy> ranges,
            int targetRegion,
            int targetGeneration,
            boolean write) {}

    private final What what;
    private final RangeRuns targets = new RangeRuns();
    private volatile long position;
    private volatile boolean emptySent;

    RangeSender(
            Owner owner,
            long transferId,
            long requestId,
            long bytes,
            BlockSender.Flags flags,
            What what) {
        super(
                owner,
                transferId,
                requestId,
                bytes,
                flags.checksum(),
                flags.notifies(),
                flags.trace());
        this.what = what;
    }

    @Override
    boolean hasReady() {
        return position < expectedBytes || (expectedBytes == 0 && !emptySent);
    }

    @Override
    boolean cut(PooledFrame frame, int maxPayloadBytes) {
        if (!hasReady()) {
            return false;
        }
        var header = frame.fields;
        header.kind = what.write ? FrameHeader.WRITE_RANGES : FrameHeader.READ_RANGES;
        header.position = position;
        header.objectId = what.targetRegion;
        header.objectGeneration = what.targetGeneration;
        header.withoutTokens();
        if (expectedBytes == 0) {
            emptySent = true;
            frame.empty();
            return true;
        }
        long bytes = Math.min(maxPayloadBytes, expectedBytes - position);
        if (what.write) {
            bytes = frame.ranges(targets, what.ranges, position, bytes);
        }
        frame.payloadOf(what.ranges, what.source, position, bytes);
        position = header.position + bytes;
        return true;
    }

    /**
     * Writes the target's runs as strided entries until the bytes or the entries are used up.
     *
     * @return the bytes that the entries cover, in the upper part, with their number in {@code
     *     count}
     */
    static long entries(RangeRuns runs, ByteBuffer out, int at, int[] count) {
        long covered = 0;
        int entries = 0;
        long base = 0;
        long stride = 0;
        long length = 0;
        int pieces = 0;
        while (runs.next()) {
            long step = runs.offset() - base;
            boolean second = pieces == 1 && step > 0;
            if (pieces > 0
                    && runs.length() == length
                    && (second || (pieces > 1 && step == stride * pieces))) {
                stride = second ? step : stride;
                pieces++;
            } else {
                if (entries == FrameHeader.MAX_RANGES) {
                    break;
                }
                entries++;
                base = runs.offset();
                length = runs.length();
                stride = length;
                pieces = 1;
            }
            int slot = at + (entries - 1) * FrameHeader.RANGE_ENTRY_BYTES;
            out.putLong(slot, base).putLong(slot + 8, stride).putLong(slot + 16, length);
            out.putInt(slot + 24, pieces).putInt(slot + 28, 0);
            covered += runs.length();
        }
        count[0] = entries;
        return covered;
    }
}
