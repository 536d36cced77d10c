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

/**
 * Reads frames of any scheme, whatever options they were written with: a frame says what was done.
 * Follows the order of docs/spec/kv-frame.md, so that nothing is written before the last check.
 * Confined to one thread.
 */
final class FrameReader {
    private final RowKernels kernels;
    private final FrameHeader header = new FrameHeader();
    private final FrameChecksum checksum = new FrameChecksum();
    private final RowRuns target = new RowRuns();
    private final Bodies bodies = new Bodies();
    private final Rows rows = new Rows();

    private MemorySegment frame = MemorySegment.NULL;
    private MemorySegment codes = MemorySegment.NULL;
    private long codesAt;
    private long scalesAt;
    private long auxiliaryAt;

    FrameReader(RowKernels kernels) {
        this.kernels = kernels;
    }

    /**
     * Reads a frame.
     *
     * @param bytes exactly one frame
     * @param expected what the slab must be
     * @param runs of the target
     */
    void read(MemorySegment bytes, FrameHeader expected, RunCursor runs) {
        header.decode(bytes);
        header.requireSlabOf(expected);
        frame = bytes;
        codes = bytes;
        codesAt = BYTES;
        long codesEnd = BYTES + (long) header.codeBytes;
        scalesAt = FrameSections.after(codesEnd, header.scaleBytes);
        long scalesEnd = scalesAt + header.scaleBytes;
        auxiliaryAt = FrameSections.after(scalesEnd, header.auxiliaryBytes);
        checkSums((int) codesEnd);
        checkPadding(codesEnd, scalesAt);
        checkPadding(scalesEnd, auxiliaryAt);
        checkScales();
        place(runs);
        frame = MemorySegment.NULL;
        codes = MemorySegment.NULL;
    }

    private void checkSums(int codesEnd) {
        checksum.start();
        checksum.add(frame, BYTES, codesEnd);
        int ofCodes = checksum.value();
        checksum.add(frame, codesEnd, BYTES + header.wireBytes);
        if (checksum.value() != header.wireCrc) {
            throw corrupt("the checksum of the payload is wrong");
        }
        if (ofCodes != header.decodedCrc) {
            throw corrupt("the checksum of the codes is wrong");
        }
    }

    private void checkPadding(long from, long end) {
        for (long at = from; at < end; at++) {
            if (frame.get(ValueLayout.JAVA_BYTE, at) != 0) {
                throw corrupt("the padding is not zero");
            }
        }
    }

    private void checkScales() {
        rows.shape(header.sourceDtype, header.keyDim, header.halfScales());
        if (header.scaleBytes == 0) {
            return;
        }
        int count = (int) FrameSections.scales(header);
        float least = header.halfScales() ? Float.MIN_VALUE : RowScale.LEAST;
        rows.scales(frame, scalesAt);
        int unscaled = 0;
        int wrong = 0;
        for (int i = 0; i < count; i++) {
            float scale = rows.scale(i);
            if (Float.floatToRawIntBits(scale) == 0) {
                unscaled++;
            } else if (!(scale >= least && scale <= Float.MAX_VALUE)) {
                wrong++;
            }
        }
        long kept = header.auxiliaryBytes - FrameSections.outlierBytes(header);
        if (wrong != 0 || unscaled * FrameSections.restOfRow(header) != kept) {
            throw corrupt(wrong + " scales are no scales, " + unscaled + " rows have none");
        }
    }

    private void place(RunCursor runs) {
        target.write(runs, Math.toIntExact(FrameSections.rowBytes(header)));
        bodies.start(header);
        while (bodies.next()) {
            boolean raw = header.scheme == FrameHeader.SCHEME_RAW || !bodies.coding().scaled();
            int left = bodies.rows();
            while (left > 0) {
                int count = target.next(left);
                if (raw) {
                    copy(count);
                } else {
                    dequantise(count);
                }
                left -= count;
            }
        }
        target.finish();
    }

    private void copy(int count) {
        long bytes = count * FrameSections.rowBytes(header);
        MemorySegment.copy(codes, codesAt, target.segment(), target.offset(), bytes);
        codesAt += bytes;
    }

    private void dequantise(int count) {
        rows.elements(count, target.segment(), target.offset())
                .codes(codes, codesAt)
                .scales(frame, scalesAt);
        kernels.decode(rows);
        if ((header.flags & FrameHeader.FLAG_UNSCALED_ROWS) != 0) {
            restoreUnscaled();
        }
        codesAt += (long) count * header.keyDim;
        scalesAt += (long) count * (header.halfScales() ? Short.BYTES : Float.BYTES);
    }

    private void restoreUnscaled() {
        int dim = header.keyDim;
        long rest = FrameSections.restOfRow(header);
        for (int row = 0; row < rows.count(); row++) {
            if (rows.scale(row) == RowScale.UNSCALED) {
                long at = rows.at(row);
                MemorySegment.copy(codes, rows.codesAt(row), rows.elements(), at, dim);
                MemorySegment.copy(frame, auxiliaryAt, rows.elements(), at + dim, rest);
                auxiliaryAt += rest;
            }
        }
    }

    private static TransferException corrupt(String why) {
        return new TransferException(ErrorCode.CORRUPT, "KV frame: " + why + "; send again");
    }
}
