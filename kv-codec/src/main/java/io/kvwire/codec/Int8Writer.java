package io.kvwire.codec;

import static io.kvwire.codec.FrameHeader.BYTES;

import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.Rows;
import io.kvwire.transport.spi.RunCursor;
import io.kvwire.transport.spi.SingleRun;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Optional;

/**
 * Writes frames of the int8 schemes: quantises straight from the runs of the source into the frame,
 * and sums up the codes while they are in the cache of the processor. Only where the keys' channels
 * must be measured first are the elements gathered before. Confined to one thread.
 */
final class Int8Writer {
    /**
     * Codes made, and then summed up, at once: with their elements in the first cache of a core.
     */
    private static final int CODES_AT_ONCE = 4 << 10;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final FrameChecksum checksum = new FrameChecksum();
    private final RowRuns source = new RowRuns();
    private final Bodies bodies = new Bodies();
    private final KeyChannels channels = new KeyChannels();
    private final RowCursor cursor = new RowCursor();
    private final RowEncoder encoder;
    private final Rows scales = new Rows();
    private final OutlierWatch watch = new OutlierWatch();
    private final Optional<Lossless> lossless;
    private final Scratch gathered = new Scratch();
    private final SingleRun gatheredRun = new SingleRun();

    private int summed;

    Int8Writer(RowKernels kernels, Optional<Lossless> lossless) {
        this.lossless = lossless;
        encoder = new RowEncoder(kernels, channels, cursor);
    }

    /** {@return the bytes of the longest frame with a header: one in which no row has a scale} */
    static long maxFrameBytes(FrameHeader header) {
        long most = maxFrameBytesOf(header);
        if (header.keys == RowCoding.CHANNEL) {
            header.keys = RowCoding.TOKEN;
            most = Math.max(most, maxFrameBytesOf(header));
            header.keys = RowCoding.CHANNEL;
        }
        return most;
    }

    private static long maxFrameBytesOf(FrameHeader header) {
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
     * @param header says of slab and scheme what there is to say; the rest is set here
     * @param runs of the source
     * @param frame room for {@link #maxFrameBytes}
     * @return the bytes of the frame
     */
    int write(FrameHeader header, RunCursor runs, MemorySegment frame) {
        source.read(measured(header, runs), Math.toIntExact(FrameSections.rowBytes(header)));
        int codesEnd = Math.toIntExact(BYTES + FrameSections.plainCodes(header));
        int scaleBytes = Math.toIntExact(FrameSections.scaleBytes(header));
        int scalesStart = Math.toIntExact(FrameSections.after(codesEnd, scaleBytes));
        int scalesEnd = scalesStart + scaleBytes;
        int auxiliaryStart = Math.toIntExact(FrameSections.after(scalesEnd, 1));
        cursor.start(header, frame, scalesStart, auxiliaryStart);
        writeChannels(scalesStart, auxiliaryStart);
        encodeRows();
        int end = seal(header, scalesStart, auxiliaryStart);
        cursor.finish();
        return end;
    }

    /** Measures the channels of the keys where the coding asks for it, which takes a pass. */
    private RunCursor measured(FrameHeader header, RunCursor runs) {
        if (header.keys != RowCoding.CHANNEL && header.keys != RowCoding.OUTLIERS) {
            return runs;
        }
        var elements = gather(header, runs);
        channels.measure(header, bodies, elements);
        if (header.keys == RowCoding.OUTLIERS) {
            channels.choose(header);
        } else if (!channels.scale(header)) {
            header.keys = RowCoding.TOKEN;
        }
        return gatheredRun.start(elements, 0, header.rawBytes);
    }

    private MemorySegment gather(FrameHeader header, RunCursor runs) {
        var elements = gathered.ofBytes(header.rawBytes);
        int rowBytes = (int) FrameSections.rowBytes(header);
        int left = header.rawBytes / rowBytes;
        source.read(runs, rowBytes);
        long at = 0;
        while (left > 0) {
            int count = source.next(left);
            long bytes = (long) count * rowBytes;
            MemorySegment.copy(source.segment(), source.offset(), elements, at, bytes);
            at += bytes;
            left -= count;
        }
        source.finish();
        return elements;
    }

    private void encodeRows() {
        encoder.start();
        bodies.start(cursor.header);
        summed = BYTES;
        checksum.start();
        boolean watched = cursor.header.keys == RowCoding.TOKEN;
        int most = Math.max(1, CODES_AT_ONCE / cursor.header.keyDim);
        while (bodies.next()) {
            int row = 0;
            while (row < bodies.rows()) {
                int count = source.next(Math.min(most, bodies.rows() - row));
                if (watched && bodies.isKey()) {
                    watch.look(cursor.header, source.segment(), source.offset(), count);
                    watched = false;
                }
                encoder.encode(bodies, row, count, source.segment(), source.offset());
                row += count;
                sumUp(CODES_AT_ONCE);
            }
        }
        source.finish();
    }

    private void writeChannels(long scalesStart, long auxiliaryStart) {
        var header = cursor.header;
        if (header.keys == RowCoding.CHANNEL) {
            scales.shape(header.sourceDtype, header.keyDim, header.halfScales());
            scales.scales(cursor.frame, scalesStart);
            for (int i = 0; i < header.heads * header.keyDim; i++) {
                scales.scale(i, channels.scale(i / header.keyDim, i % header.keyDim));
            }
        }
        for (int i = 0; i < header.heads * header.outliers; i++) {
            int channel = channels.outlier(i / header.outliers, i % header.outliers);
            cursor.frame.set(SHORT, auxiliaryStart + 2L * i, (short) channel);
        }
    }

    private void sumUp(int least) {
        if (cursor.codesAt - summed >= least) {
            checksum.add(cursor.frame, summed, (int) cursor.codesAt);
            summed = (int) cursor.codesAt;
        }
    }

    /** Sets what is known only now: lengths, checksums, whether rows are unscaled. */
    private int seal(FrameHeader header, int scalesStart, int auxiliaryStart) {
        int codesEnd = (int) cursor.codesAt;
        sumUp(1);
        header.decodedCrc = checksum.value();
        header.codeBytes = codesEnd - BYTES;
        header.scaleBytes = (int) FrameSections.scaleBytes(header);
        header.auxiliaryBytes = (int) cursor.restAt - auxiliaryStart;
        if (header.auxiliaryBytes > FrameSections.outlierBytes(header)) {
            header.flags |= FrameHeader.FLAG_UNSCALED_ROWS;
        }
        if (lossless.isPresent()) {
            lossless.get().compress(header, cursor.frame);
        }
        int end = close(header, scalesStart, auxiliaryStart);
        if (header.losslessCodec == 0) {
            checksum.add(cursor.frame, codesEnd, end);
            header.wireCrc = checksum.value();
        } else {
            header.wireCrc = checksum.of(cursor.frame, BYTES, end);
        }
        header.wireBytes = end - BYTES;
        header.encode(cursor.frame);
        return end;
    }

    /** Moves the sections to where they belong behind the codes, with zeros between them. */
    private int close(FrameHeader header, int scalesStart, int auxiliaryStart) {
        int codesEnd = BYTES + header.codeBytes;
        int scalesAt = (int) FrameSections.after(codesEnd, header.scaleBytes);
        int scalesEnd = scalesAt + header.scaleBytes;
        int auxiliaryAt = (int) FrameSections.after(scalesEnd, header.auxiliaryBytes);
        move(scalesStart, scalesAt, header.scaleBytes);
        move(auxiliaryStart, auxiliaryAt, header.auxiliaryBytes);
        clear(codesEnd, scalesAt);
        clear(scalesEnd, auxiliaryAt);
        return auxiliaryAt + header.auxiliaryBytes;
    }

    private void move(int from, int to, int bytes) {
        if (from != to) {
            MemorySegment.copy(cursor.frame, from, cursor.frame, to, bytes);
        }
    }

    private void clear(int from, int end) {
        for (int at = from; at < end; at++) {
            cursor.frame.set(ValueLayout.JAVA_BYTE, at, (byte) 0);
        }
    }
}
