package io.kvwire.codec;

import static io.kvwire.codec.FrameHeader.BYTES;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.RowScale;
import io.kvwire.codec.rows.Rows;
import io.kvwire.transport.spi.RunCursor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Writes frames of the int8 schemes: quantises straight from the runs of the source into the frame,
 * and sums up the codes while they are in the cache of the processor. Confined to one thread.
 */
final class Int8Writer {
    /** Codes that are summed up at once: well within the first caches of a core. */
    private static final int SUM_AT_ONCE = 16 << 10;

    private final RowKernels kernels;
    private final FrameChecksum checksum = new FrameChecksum();
    private final RowRuns source = new RowRuns();
    private final Bodies bodies = new Bodies();
    private final Rows rows = new Rows();

    private FrameHeader header;
    private MemorySegment frame = MemorySegment.NULL;
    private long codesAt;
    private long scalesAt;
    private long auxiliaryAt;
    private int summed;

    Int8Writer(RowKernels kernels) {
        this.kernels = kernels;
    }

    /** {@return the bytes of the longest frame with a header: one in which no row has a scale} */
    static long maxFrameBytes(FrameHeader header) {
        long auxiliary =
                FrameSections.outlierBytes(header)
                        + FrameSections.scaledRows(header) * FrameSections.restOfRow(header);
        return BYTES
                + FrameSections.wireBytes(
                        FrameSections.plainCodes(header),
                        FrameSections.scaleBytes(header),
                        auxiliary);
    }

    /**
     * Writes a frame.
     *
     * @param described says of slab and scheme what there is to say; the rest is set here
     * @param runs of the source
     * @param room for {@link #maxFrameBytes}
     * @return the bytes of the frame
     */
    int write(FrameHeader described, RunCursor runs, MemorySegment room) {
        start(described, runs, room);
        int codesEnd = Math.toIntExact(BYTES + FrameSections.plainCodes(header));
        int scales = Math.toIntExact(FrameSections.scaleBytes(header));
        int scalesStart = Math.toIntExact(FrameSections.after(codesEnd, scales));
        int scalesEnd = scalesStart + scales;
        int auxiliaryStart = Math.toIntExact(FrameSections.after(scalesEnd, 1));
        scalesAt = scalesStart;
        auxiliaryAt = auxiliaryStart;
        while (bodies.next()) {
            int left = bodies.rows();
            while (left > 0) {
                int count = source.next(left);
                encode(count);
                left -= count;
                sumUp(SUM_AT_ONCE);
            }
        }
        source.finish();
        clear(codesEnd, scalesStart);
        int auxiliary = (int) auxiliaryAt - auxiliaryStart;
        int end = scalesEnd;
        if (auxiliary > 0) {
            clear(scalesEnd, auxiliaryStart);
            end = (int) auxiliaryAt;
        }
        seal(codesEnd, end, auxiliary);
        frame = MemorySegment.NULL;
        return end;
    }

    private void start(FrameHeader described, RunCursor runs, MemorySegment room) {
        header = described;
        frame = room;
        source.read(runs, Math.toIntExact(FrameSections.rowBytes(header)));
        rows.shape(header.sourceDtype, header.keyDim, header.halfScales());
        bodies.start(header);
        codesAt = BYTES;
        summed = BYTES;
        checksum.start();
    }

    /** Encodes rows of the current body. */
    private void encode(int count) {
        if (bodies.coding() == RowCoding.RAW) {
            long bytes = count * FrameSections.rowBytes(header);
            MemorySegment.copy(source.segment(), source.offset(), frame, codesAt, bytes);
            codesAt += bytes;
            return;
        }
        rows.elements(count, source.segment(), source.offset())
                .codes(frame, codesAt)
                .scales(frame, scalesAt);
        if (kernels.encode(rows) != 0) {
            keepUnscaled();
        }
        codesAt += (long) count * header.keyDim;
        scalesAt += (long) count * (header.halfScales() ? Short.BYTES : Float.BYTES);
    }

    /** Keeps the bits of rows without a scale: some in the place of their codes, the rest apart. */
    private void keepUnscaled() {
        int dim = header.keyDim;
        long rest = FrameSections.restOfRow(header);
        for (int row = 0; row < rows.count(); row++) {
            if (rows.scale(row) == RowScale.UNSCALED) {
                long at = rows.at(row);
                MemorySegment.copy(rows.elements(), at, frame, rows.codesAt(row), dim);
                MemorySegment.copy(rows.elements(), at + dim, frame, auxiliaryAt, rest);
                auxiliaryAt += rest;
            }
        }
    }

    private void sumUp(int least) {
        if (codesAt - summed >= least) {
            checksum.add(frame, summed, (int) codesAt);
            summed = (int) codesAt;
        }
    }

    private void clear(long from, long end) {
        for (long at = from; at < end; at++) {
            frame.set(ValueLayout.JAVA_BYTE, at, (byte) 0);
        }
    }

    private void seal(int codesEnd, int end, int auxiliary) {
        sumUp(1);
        header.decodedCrc = checksum.value();
        checksum.add(frame, codesEnd, end);
        header.wireCrc = checksum.value();
        header.codeBytes = codesEnd - BYTES;
        header.scaleBytes = (int) FrameSections.scaleBytes(header);
        header.auxiliaryBytes = auxiliary;
        header.wireBytes = end - BYTES;
        if (auxiliary > FrameSections.outlierBytes(header)) {
            header.flags |= FrameHeader.FLAG_UNSCALED_ROWS;
        }
        header.encode(frame);
    }
}
