package io.kvwire.codec;

import io.kvwire.codec.rows.AsymmetricRow;
import io.kvwire.codec.rows.Hadamard;
import io.kvwire.codec.rows.RowKernels;
import io.kvwire.codec.rows.RowScale;
import io.kvwire.codec.rows.Rows;
import io.kvwire.transport.DType;

import java.lang.foreign.MemorySegment;

/**
 * Encodes rows into the sections of a frame: the default scheme straight from where they lie,
 * anything else row by row. Confined to one thread.
 */
final class RowEncoder {
    private final RowKernels kernels;
    private final KeyChannels channels;
    private final RowCursor cursor;
    private final Rows rows = new Rows();
    private final Rows floats = new Rows();
    private final FloatRow row = new FloatRow();

    RowEncoder(RowKernels kernels, KeyChannels channels, RowCursor cursor) {
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

    /** Encodes rows of a body, one behind the other in memory. */
    void encode(Bodies body, int first, int count, MemorySegment elements, long at) {
        var coding = body.coding();
        rows.elements(count, elements, at);
        switch (coding) {
            case RAW -> {
                long bytes = count * FrameSections.rowBytes(cursor.header);
                MemorySegment.copy(elements, at, cursor.frame, cursor.codesAt, bytes);
                cursor.codesAt += bytes;
            }
            case TOKEN -> {
                if (cursor.header.scheme == FrameHeader.SCHEME_ASYMMETRIC) {
                    eachRow(body, first, count);
                } else {
                    together(count);
                }
            }
            case CHANNEL, HADAMARD, OUTLIERS -> eachRow(body, first, count);
        }
    }

    private void together(int count) {
        cursor.describe(rows);
        if (kernels.encode(rows) != 0) {
            for (int i = 0; i < count; i++) {
                if (rows.scale(i) == RowScale.UNSCALED) {
                    keep(i, rows.codesAt(i));
                }
            }
        }
        cursor.pass(count, RowCoding.TOKEN);
    }

    private void eachRow(Bodies body, int first, int count) {
        var header = cursor.header;
        for (int i = 0; i < count; i++) {
            row.load(header.sourceDtype, header.keyDim, rows.elements(), rows.at(i));
            floats.elements(1, row.segment(), 0);
            cursor.describe(floats);
            int head = body.head(first + i);
            if (body.coding() == RowCoding.CHANNEL) {
                byChannel(head);
            } else if (!scaled(body.coding(), head, i)) {
                floats.scale(0, RowScale.UNSCALED);
                keep(i, cursor.codesAt);
            }
            cursor.pass(1, body.coding());
        }
    }

    private void byChannel(int head) {
        int dim = cursor.header.keyDim;
        var values = row.values();
        var codes = row.codes();
        for (int i = 0; i < dim; i++) {
            codes[i] = (byte) Math.rint(values[i] / channels.scale(head, i));
        }
        row.storeCodes(dim, cursor.frame, cursor.codesAt);
    }

    /** Makes the codes of the row in hand, unless no scale fits it. */
    private boolean scaled(RowCoding coding, int head, int source) {
        int dim = cursor.header.keyDim;
        var values = row.values();
        float limit = RowScale.LIMIT;
        if (coding == RowCoding.HADAMARD) {
            Hadamard.rotate(values, dim);
            limit = Hadamard.limit(dim);
        } else if (coding == RowCoding.OUTLIERS) {
            setAside(head, source);
        }
        boolean asymmetric = cursor.header.scheme == FrameHeader.SCHEME_ASYMMETRIC;
        boolean below = RowScale.below(values, dim, limit);
        if (!asymmetric) {
            return below && kernels.encode(floats) == 0;
        }
        float offset = 0;
        if (below) {
            float largest = AsymmetricRow.largest(values, dim);
            float least = AsymmetricRow.least(values, dim);
            float scale = AsymmetricRow.scale(largest, least);
            offset = AsymmetricRow.offset(largest, least);
            floats.scale(0, scale);
            AsymmetricRow.quantise(values, row.codes(), dim, scale, offset);
            row.storeCodes(dim, cursor.frame, cursor.codesAt);
        }
        cursor.frame.set(RowCursor.FLOAT, cursor.offsetsAt, offset);
        return below;
    }

    /** Copies the outlier channels of a row to where they are kept, and zeroes them. */
    private void setAside(int head, int source) {
        int bytes = cursor.header.sourceDtype.bytes();
        for (int i = 0; i < cursor.header.outliers; i++) {
            int channel = channels.outlier(head, i);
            long from = rows.at(source) + (long) channel * bytes;
            MemorySegment.copy(rows.elements(), from, cursor.frame, cursor.outliersAt, bytes);
            cursor.outliersAt += bytes;
            row.values()[channel] = 0;
        }
    }

    /** Keeps the bits of a row without a scale: some in the place of its codes, the rest apart. */
    private void keep(int source, long codesAt) {
        int dim = cursor.header.keyDim;
        long rest = FrameSections.restOfRow(cursor.header);
        long at = rows.at(source);
        MemorySegment.copy(rows.elements(), at, cursor.frame, codesAt, dim);
        MemorySegment.copy(rows.elements(), at + dim, cursor.frame, cursor.restAt, rest);
        cursor.restAt += rest;
    }
}
