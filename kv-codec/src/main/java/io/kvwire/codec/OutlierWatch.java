package io.kvwire.codec;

import io.kvwire.codec.rows.Elements;
import io.kvwire.transport.DType;

import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Looks at one row of keys in each frame, and warns once when keys have outlier channels: the scale
 * of such a row is made for one element, and all others, which attention needs as well, have a few
 * codes left. Confined to one thread.
 */
final class OutlierWatch {
    /**
     * Largest magnitude over root mean square. Normally distributed rows of 128 elements exceed it
     * once in 200,000; a pair of large channels has 8 in such a row, and 5.7 in one of 64.
     */
    private static final double EXTREME = 5.5;

    private static final int ROWS_BEFORE_WARNING = 3;

    // Steps that visit all rows of a body in turn, whatever their number below this prime.
    private static final int STEP = 7919;

    private int frames;
    private int extremeRows;

    /** Looks at one of some rows of keys. */
    void look(FrameHeader header, MemorySegment elements, long at, int rows) {
        if (extremeRows < ROWS_BEFORE_WARNING) {
            long row = at + next(rows) * FrameSections.rowBytes(header);
            judge(header, largestOverRms(header, header.sourceDtype, elements, row));
        }
    }

    /** Looks at one of some rows of keys by their codes, which are as large as their elements. */
    void lookAtCodes(FrameHeader header, MemorySegment codes, long at, int rows) {
        if (extremeRows < ROWS_BEFORE_WARNING) {
            long row = at + (long) next(rows) * header.keyDim;
            judge(header, largestOverRms(header, DType.INT8, codes, row));
        }
    }

    private int next(int rows) {
        frames++;
        return (int) ((long) frames * STEP % rows);
    }

    private void judge(FrameHeader header, double ratio) {
        if (ratio > EXTREME && ++extremeRows == ROWS_BEFORE_WARNING) {
            warn(header.layer, ratio);
        }
    }

    private static double largestOverRms(
            FrameHeader header, DType dtype, MemorySegment elements, long at) {
        double largest = 0;
        double squares = 0;
        int bytes = dtype.bytes();
        for (int i = 0; i < header.keyDim; i++) {
            double x =
                    dtype == DType.INT8
                            ? elements.get(ValueLayout.JAVA_BYTE, at + i)
                            : Elements.load(dtype, elements, at + (long) i * bytes);
            largest = Math.max(largest, Math.abs(x));
            squares += x * x;
        }
        return largest / Math.sqrt(squares / header.keyDim);
    }

    private static void warn(int layer, double ratio) {
        System.getLogger(OutlierWatch.class.getName())
                .log(
                        Level.WARNING,
                        "Keys have outlier channels (in layer "
                                + layer
                                + " an element is "
                                + Math.round(ratio)
                                + " times the root mean square of its row): INT8 with one scale"
                                + " for each token costs attention much of its precision; use"
                                + " keys=outliers:2, keys=hadamard or keys=channel");
    }
}
