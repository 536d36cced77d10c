package io.kvwire.codec;

import io.kvwire.codec.rows.Rows;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Where the next row of a frame has its codes, its scale and what is kept of it: moves over the
 * sections side by side. Shared by writer and reader; confined to one thread.
 */
final class RowCursor {
    static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    FrameHeader header;
    MemorySegment frame = MemorySegment.NULL;
    MemorySegment codes = MemorySegment.NULL;
    long codesAt;
    long scalesAt;
    long offsetsAt;
    long outliersAt;
    long restAt;

    private int dim;
    private int scaleBytes;

    /**
     * Begins with the first row; sections start as given, offsets and the rest follow from them.
     */
    void start(FrameHeader of, MemorySegment bytes, long scales, long auxiliary) {
        header = of;
        frame = bytes;
        codes = bytes;
        codesAt = FrameHeader.BYTES;
        dim = of.keyDim;
        scaleBytes = of.halfScales() ? Short.BYTES : Float.BYTES;
        scalesAt = scales + FrameSections.channelScales(of) * scaleBytes;
        offsetsAt = scales + FrameSections.scales(of) * scaleBytes;
        outliersAt = auxiliary + (long) of.heads * of.outliers * Short.BYTES;
        restAt = auxiliary + FrameSections.outlierBytes(of);
    }

    /** Says where the codes lie, when they are not in the frame as they are. */
    void codes(MemorySegment plain, long at) {
        codes = plain;
        codesAt = at;
    }

    /** Says where the current rows have codes and scales. */
    void describe(Rows rows) {
        rows.codes(codes, codesAt).scales(frame, scalesAt);
    }

    /** Moves past rows that have codes. */
    void pass(int rows, RowCoding coding) {
        codesAt += (long) rows * dim;
        if (coding.rowScaled()) {
            scalesAt += (long) rows * scaleBytes;
            offsetsAt += (long) rows * scaleBytes;
        }
    }

    /** Lets go of the frame. */
    void finish() {
        frame = MemorySegment.NULL;
        codes = MemorySegment.NULL;
    }
}
