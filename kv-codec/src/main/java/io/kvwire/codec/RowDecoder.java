package io.kvwire.codec;

import io.kvwire.codec.rows.AsymmetricRow;
import io.kvwire.codec.rows.Hadamard;
import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.RowScale;
import io.kvwire.codec.rows.Rows;
import io.kvwire.transport.DType;

import java.lang.foreign.MemorySegment;

/**
 * Decodes rows from the sections of a frame, which is checked by now: the default scheme straight
 * to where they go, anything else row by row. Confined to one thread.
 */
final class RowDecoder {
    private final RowKernels kernels;
    private final KeyChannels channels;
    private final RowCursor cursor;
    private final Rows rows = new Rows();
    private final Rows floats = new Rows();
    private final FloatRow row = new FloatRow();

    RowDecoder(RowKernels kernels, KeyChannels channels, RowCursor cursor) {
        this.kernels = kernels;
        this.channels = channels;
        this.cursor = cursor;
    }

    /** Begins the frame that the cursor has begun. */
    void start() {
        var header = cursor.header;
        rows.shape(header.sourceDtype, header.keyDim, header.halfScales());
        floats.shape(DType.FP32, header.keyDim, header.halfScales());
        row.shape(header.keyDim);
    }

    /** Decodes rows of a body, one behind the other in memory. */
    void decode(Bodies body, int first, int count, MemorySegment elements, long at) {
        var header = cursor.header;
        rows.elements(count, elements, at);
        if (header.scheme == FrameHeader.SCHEME_RAW || body.coding() == RowCoding.RAW) {
            long bytes = count * FrameSections.rowBytes(header);
            MemorySegment.copy(cursor.codes, cursor.codesAt, elements, at, bytes);
            cursor.codesAt += bytes;
            return;
        }
        cursor.describe(rows);
        boolean together =
                header.scheme == FrameHeader.SCHEME_SYMMETRIC
                        && (body.coding() == RowCoding.TOKEN
                                || body.coding() == RowCoding.OUTLIERS);
        if (together) {
            kernels.decode(rows);
        } else {
            eachRow(body, first, count);
        }
        if (body.coding() == RowCoding.OUTLIERS) {
            putBack(body, first, count);
        }
        if ((header.flags & FrameHeader.FLAG_UNSCALED_ROWS) != 0 && body.coding().rowScaled()) {
            restore(count);
        }
        cursor.pass(count, body.coding());
    }

    private void eachRow(Bodies body, int first, int count) {
        var header = cursor.header;
        int dim = header.keyDim;
        for (int i = 0; i < count; i++) {
            floats.elements(1, row.segment(), 0);
            floats.codes(cursor.codes, rows.codesAt(i)).scales(cursor.frame, rows.scalesAt(i));
            if (body.coding() == RowCoding.CHANNEL) {
                byChannel(body.head(first + i), rows.codesAt(i));
            } else if (header.scheme == FrameHeader.SCHEME_ASYMMETRIC) {
                float offset = cursor.frame.get(RowCursor.FLOAT, cursor.offsetsAt + 4L * i);
                row.loadCodes(dim, cursor.codes, rows.codesAt(i));
                AsymmetricRow.dequantise(row.codes(), row.values(), dim, floats.scale(0), offset);
            } else {
                kernels.decode(floats);
            }
            if (body.coding() == RowCoding.HADAMARD) {
                Hadamard.turnBack(row.values(), dim);
            }
            row.store(header.sourceDtype, dim, rows.elements(), rows.at(i));
        }
    }

    private void byChannel(int head, long codesAt) {
        int dim = cursor.header.keyDim;
        row.loadCodes(dim, cursor.codes, codesAt);
        var codes = row.codes();
        var values = row.values();
        for (int i = 0; i < dim; i++) {
            values[i] = codes[i] * channels.scale(head, i);
        }
    }

    private void putBack(Bodies body, int first, int count) {
        int bytes = cursor.header.sourceDtype.bytes();
        for (int i = 0; i < count; i++) {
            int head = body.head(first + i);
            for (int j = 0; j < cursor.header.outliers; j++) {
                long to = rows.at(i) + (long) channels.outlier(head, j) * bytes;
                MemorySegment.copy(cursor.frame, cursor.outliersAt, rows.elements(), to, bytes);
                cursor.outliersAt += bytes;
            }
        }
    }

    private void restore(int count) {
        int dim = cursor.header.keyDim;
        long rest = FrameSections.restOfRow(cursor.header);
        for (int i = 0; i < count; i++) {
            if (rows.scale(i) == RowScale.UNSCALED) {
                long at = rows.at(i);
                MemorySegment.copy(cursor.codes, rows.codesAt(i), rows.elements(), at, dim);
                MemorySegment.copy(cursor.frame, cursor.restAt, rows.elements(), at + dim, rest);
                cursor.restAt += rest;
            }
        }
    }
}
