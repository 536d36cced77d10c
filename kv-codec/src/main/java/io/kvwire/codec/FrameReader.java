package io.kvwire.codec;

import static io.kvwire.codec.FrameHeader.BYTES;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.RowScale;
import io.kvwire.codec.rows.Rows;
import io.kvwire.transport.ErrorCode;
import io.kvwire.transport.TransferException;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Reads frames of any scheme, whatever options they were written with: a frame says what was done.
 * Follows the order of docs/spec/kv-frame.md, so that nothing is written before the last check.
 * Confined to one thread.
 */
final class FrameReader {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final FrameHeader header = new FrameHeader();
    private final FrameChecksum checksum = new FrameChecksum();
    private final FrameChecksum ofPlain = new FrameChecksum();
    private final RowRuns target = new RowRuns();
    private final Bodies bodies = new Bodies();
    private final KeyChannels channels = new KeyChannels();
    private final RowCursor cursor = new RowCursor();
    private final RowDecoder decoder;
    private final Rows scales = new Rows();
    private final Lossless lossless;

    private MemorySegment frame = MemorySegment.NULL;
    private MemorySegment codes = MemorySegment.NULL;

    FrameReader(RowKernels kernels, Lossless lossless) {
        this.lossless = lossless;
        decoder = new RowDecoder(kernels, channels, cursor);
    }

    /**
     * Reads a frame.
     *
     * @param bytes exactly one frame
     * @param expected what the slab must be
     * @param runs of the target
     */
    void read(MemorySegment bytes, FrameHeader expected, RunCursor runs) {
        check(bytes, expected);
        cursor.start(
                header, bytes, FrameSections.scalesAt(header), FrameSections.auxiliaryAt(header));
        if (header.losslessCodec != 0) {
            cursor.codes(codes, 0);
        }
        place(runs);
        cursor.finish();
        frame = MemorySegment.NULL;
        codes = MemorySegment.NULL;
    }

    /**
     * Checks all of a frame.
     *
     * @param bytes exactly one frame
     * @param expected what the slab must be
     * @return its header, good until the next call
     */
    FrameHeader check(MemorySegment bytes, FrameHeader expected) {
        header.decode(bytes);
        header.requireSlabOf(expected);
        frame = bytes;
        long codesEnd = BYTES + (long) header.codeBytes;
        long scalesAt = FrameSections.scalesAt(header);
        long auxiliaryAt = FrameSections.auxiliaryAt(header);
        checkSums((int) codesEnd);
        checkPadding(codesEnd, scalesAt);
        checkPadding(scalesAt + header.scaleBytes, auxiliaryAt);
        codes = plainCodes();
        if (header.scheme != FrameHeader.SCHEME_RAW) {
            channels.shape(header);
            checkScales(scalesAt);
            checkOutliers(auxiliaryAt);
        }
        return header;
    }

    private void checkSums(int codesEnd) {
        checksum.start();
        checksum.add(frame, BYTES, codesEnd);
        int ofCodes = checksum.value();
        checksum.add(frame, codesEnd, BYTES + header.wireBytes);
        if (checksum.value() != header.wireCrc) {
            throw corrupt("the checksum of the payload is wrong");
        }
        if (header.losslessCodec == 0 && ofCodes != header.decodedCrc) {
            throw corrupt("the checksum of the codes is wrong");
        }
    }

    /** Decompresses the codes; what they are then has a checksum of its own. */
    private MemorySegment plainCodes() {
        if (header.losslessCodec == 0) {
            return frame;
        }
        var plain = lossless.decompress(header, frame);
        if (plain.equals(MemorySegment.NULL)) {
            throw corrupt("the codes are no LZ4 block of their length");
        }
        if (ofPlain.of(plain, 0, (int) FrameSections.plainCodes(header)) != header.decodedCrc) {
            throw corrupt("the checksum of the decompressed codes is wrong");
        }
        return plain;
    }

    private void checkPadding(long from, long end) {
        for (long at = from; at < end; at++) {
            if (frame.get(ValueLayout.JAVA_BYTE, at) != 0) {
                throw corrupt("the padding is not zero");
            }
        }
    }

    private void checkScales(long scalesAt) {
        scales.shape(header.sourceDtype, header.keyDim, header.halfScales());
        scales.scales(frame, scalesAt);
        int ofChannels = (int) FrameSections.channelScales(header);
        int count = (int) FrameSections.scales(header);
        float least = header.halfScales() ? Float.MIN_VALUE : RowScale.LEAST;
        int unscaled = 0;
        int wrong = 0;
        for (int i = 0; i < count; i++) {
            float scale = scales.scale(i);
            if (scale >= least && scale <= Float.MAX_VALUE) {
                continue;
            }
            if (i >= ofChannels && Float.floatToRawIntBits(scale) == 0) {
                unscaled++;
            } else {
                wrong++;
            }
        }
        long kept = header.auxiliaryBytes - FrameSections.outlierBytes(header);
        if (wrong != 0 || unscaled * FrameSections.restOfRow(header) != kept) {
            throw corrupt(wrong + " scales are none, and " + unscaled + " are missing");
        }
        for (int i = 0; i < ofChannels; i++) {
            channels.scale(i / header.keyDim, i % header.keyDim, scales.scale(i));
        }
        if (header.scheme == FrameHeader.SCHEME_ASYMMETRIC) {
            checkOffsets(scalesAt, count);
        }
    }

    private void checkOffsets(long scalesAt, int count) {
        long offsetsAt = scalesAt + (long) count * Float.BYTES;
        for (int i = 0; i < count; i++) {
            float offset = frame.get(RowCursor.FLOAT, offsetsAt + (long) i * Float.BYTES);
            boolean unscaled = scales.scale(i) == RowScale.UNSCALED;
            if (!Float.isFinite(offset) || (unscaled && Float.floatToRawIntBits(offset) != 0)) {
                throw corrupt("offset " + i + " is " + offset);
            }
        }
    }

    private void checkOutliers(long auxiliaryAt) {
        for (int head = 0; head < header.heads && header.outliers > 0; head++) {
            int before = -1;
            for (int i = 0; i < header.outliers; i++) {
                long at = auxiliaryAt + 2L * (head * header.outliers + i);
                int channel = Short.toUnsignedInt(frame.get(SHORT, at));
                if (channel <= before || channel >= header.keyDim) {
                    throw corrupt("outlier channel " + channel + " after " + before);
                }
                channels.outlier(head, i, channel);
                before = channel;
            }
        }
    }

    private void place(RunCursor runs) {
        target.write(runs, Math.toIntExact(FrameSections.rowBytes(header)));
        decoder.start();
        bodies.start(header);
        while (bodies.next()) {
            int row = 0;
            while (row < bodies.rows()) {
                int count = target.next(bodies.rows() - row);
                decoder.decode(bodies, row, count, target.segment(), target.offset());
                row += count;
            }
        }
        target.finish();
    }

    private static TransferException corrupt(String why) {
        return new TransferException(ErrorCode.CORRUPT, "KV frame: " + why + "; send again");
    }
}
